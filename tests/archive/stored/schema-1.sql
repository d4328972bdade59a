BEGIN TRANSACTION;
CREATE TABLE edges (
	run_id VARCHAR NOT NULL,
	number BIGINT NOT NULL,
	role VARCHAR NOT NULL,
	position INTEGER NOT NULL,
	child_id VARCHAR NOT NULL,
	parent_id VARCHAR NOT NULL,
	PRIMARY KEY (run_id, number, role, position),
	FOREIGN KEY(run_id, number) REFERENCES records (run_id, number),
	FOREIGN KEY(child_id) REFERENCES programs (program_id),
	FOREIGN KEY(parent_id) REFERENCES programs (program_id)
)
 WITHOUT ROWID

;
INSERT INTO "edges" VALUES('271409a5',1,'inspiration',0,'3dd7d8741c613221adbc946d902d6a0c','35a3a13a59fff23f4b59939406bb4b52');
INSERT INTO "edges" VALUES('271409a5',1,'parent',0,'3dd7d8741c613221adbc946d902d6a0c','35a3a13a59fff23f4b59939406bb4b52');
INSERT INTO "edges" VALUES('271409a5',2,'inspiration',0,'abeab2009886e80a14dd755a781c1521','35a3a13a59fff23f4b59939406bb4b52');
INSERT INTO "edges" VALUES('271409a5',2,'parent',0,'abeab2009886e80a14dd755a781c1521','35a3a13a59fff23f4b59939406bb4b52');
INSERT INTO "edges" VALUES('271409a5',3,'inspiration',0,'3251a6a1d1050f165ebc2ba1f7c1d488','35a3a13a59fff23f4b59939406bb4b52');
INSERT INTO "edges" VALUES('271409a5',3,'parent',0,'3251a6a1d1050f165ebc2ba1f7c1d488','35a3a13a59fff23f4b59939406bb4b52');
INSERT INTO "edges" VALUES('72d92f99',1,'inspiration',0,'4df79663cb58774509e495c18a55bb55','35a3a13a59fff23f4b59939406bb4b52');
INSERT INTO "edges" VALUES('72d92f99',1,'parent',0,'4df79663cb58774509e495c18a55bb55','35a3a13a59fff23f4b59939406bb4b52');
INSERT INTO "edges" VALUES('72d92f99',2,'inspiration',0,'3dd7d8741c613221adbc946d902d6a0c','35a3a13a59fff23f4b59939406bb4b52');
INSERT INTO "edges" VALUES('72d92f99',2,'parent',0,'3dd7d8741c613221adbc946d902d6a0c','35a3a13a59fff23f4b59939406bb4b52');
INSERT INTO "edges" VALUES('72d92f99',5,'inspiration',0,'bf9f78c1aea404f7e56b26cde22594c5','35a3a13a59fff23f4b59939406bb4b52');
INSERT INTO "edges" VALUES('72d92f99',5,'parent',0,'bf9f78c1aea404f7e56b26cde22594c5','35a3a13a59fff23f4b59939406bb4b52');
INSERT INTO "edges" VALUES('72d92f99',6,'inspiration',0,'02ec4c6f37b2d4fa01b778794c280d0a','35a3a13a59fff23f4b59939406bb4b52');
INSERT INTO "edges" VALUES('72d92f99',6,'parent',0,'02ec4c6f37b2d4fa01b778794c280d0a','35a3a13a59fff23f4b59939406bb4b52');
INSERT INTO "edges" VALUES('72d92f99',7,'inspiration',0,'9844c39389b590f8b5c8432335ba9262','35a3a13a59fff23f4b59939406bb4b52');
INSERT INTO "edges" VALUES('72d92f99',7,'parent',0,'9844c39389b590f8b5c8432335ba9262','35a3a13a59fff23f4b59939406bb4b52');
INSERT INTO "edges" VALUES('72d92f99',9,'inspiration',0,'298f476991aa4abc22dbee4ec3a9d642','35a3a13a59fff23f4b59939406bb4b52');
INSERT INTO "edges" VALUES('72d92f99',9,'parent',0,'298f476991aa4abc22dbee4ec3a9d642','35a3a13a59fff23f4b59939406bb4b52');
CREATE TABLE events (
	event_id INTEGER NOT NULL,
	run_id VARCHAR NOT NULL,
	kind VARCHAR NOT NULL,
	payload TEXT NOT NULL,
	recorded_at VARCHAR NOT NULL,
	PRIMARY KEY (event_id),
	FOREIGN KEY(run_id) REFERENCES runs (run_id)
);
CREATE TABLE final_openings (
	problem_version VARCHAR NOT NULL,
	opening BIGINT NOT NULL,
	program_id VARCHAR NOT NULL,
	run_id VARCHAR NOT NULL,
	metrics TEXT NOT NULL,
	opened_at VARCHAR NOT NULL,
	PRIMARY KEY (problem_version, opening, program_id),
	FOREIGN KEY(run_id) REFERENCES runs (run_id)
);
CREATE TABLE gate_queries (
	run_id VARCHAR NOT NULL,
	number BIGINT NOT NULL,
	accepted BOOLEAN NOT NULL,
	metrics TEXT NOT NULL,
	evaluation_set VARCHAR NOT NULL,
	reason TEXT NOT NULL,
	PRIMARY KEY (run_id, number),
	FOREIGN KEY(run_id, number) REFERENCES records (run_id, number)
)
 WITHOUT ROWID

;
INSERT INTO "gate_queries" VALUES('271409a5',0,1,'{"digits":1.2112964231502825,"max_relative_error":0.06147571334387279,"operations":1.0}','5dd5553624c159324fe26bcfac70139e','""');
INSERT INTO "gate_queries" VALUES('271409a5',1,1,'{"digits":1.4485269721980838,"max_relative_error":0.03560188785187537,"operations":1.0}','5dd5553624c159324fe26bcfac70139e','""');
INSERT INTO "gate_queries" VALUES('271409a5',2,1,'{"digits":1.5245627146939185,"max_relative_error":0.02988390074583291,"operations":3.0}','5dd5553624c159324fe26bcfac70139e','""');
INSERT INTO "gate_queries" VALUES('72d92f99',0,1,'{"digits":1.2112964231502825,"max_relative_error":0.06147571334387279,"operations":1.0}','5dd5553624c159324fe26bcfac70139e','""');
INSERT INTO "gate_queries" VALUES('72d92f99',1,1,'{"digits":1.525473127497924,"max_relative_error":0.029821320652846872,"operations":2.0}','5dd5553624c159324fe26bcfac70139e','""');
INSERT INTO "gate_queries" VALUES('72d92f99',2,1,'{"digits":1.4485269721980838,"max_relative_error":0.03560188785187537,"operations":1.0}','5dd5553624c159324fe26bcfac70139e','""');
CREATE TABLE measurements (
	run_id VARCHAR NOT NULL,
	number BIGINT NOT NULL,
	position INTEGER NOT NULL,
	skeleton_id VARCHAR NOT NULL,
	purpose VARCHAR NOT NULL,
	vectors BIGINT NOT NULL,
	evaluations DOUBLE NOT NULL,
	best_loss DOUBLE,
	PRIMARY KEY (run_id, number, position),
	FOREIGN KEY(run_id, number) REFERENCES records (run_id, number)
)
 WITHOUT ROWID

;
INSERT INTO "measurements" VALUES('271409a5',1,0,'34f5b3acc48c95673307ce61d2b477b9','least squares',576,1.08106393362615911253e+01,6.91723213727787333837e-02);
INSERT INTO "measurements" VALUES('271409a5',1,1,'54c04bb25cfcdc73089907041c43ea8c','least squares',247,1.68765251342118105526e+00,1.0);
INSERT INTO "measurements" VALUES('271409a5',1,2,'e32fa0d3e8b6b169f85c285b852c90e7','least squares',587,1.08330893118594424602e+01,3.56018564772168089049e-02);
INSERT INTO "measurements" VALUES('271409a5',2,0,'3211f80df27ca1adb50220a97366d403','least squares',571,1.04524158125915072052e+01,2.9883728640022644285e-02);
INSERT INTO "measurements" VALUES('271409a5',2,1,'e32fa0d3e8b6b169f85c285b852c90e7','least squares',584,1.0953147877013178046e+01,3.56018564772168089049e-02);
INSERT INTO "measurements" VALUES('271409a5',3,0,'5cfe4102d95d87286d1404a1a12c5a65','least squares',240,1.63982430453879945986e+00,1.0);
INSERT INTO "measurements" VALUES('271409a5',3,1,'5e0d42ff3a79103836129fd66112fa30','least squares',241,1.64665690580771117978e+00,1.0);
INSERT INTO "measurements" VALUES('271409a5',3,2,'e32fa0d3e8b6b169f85c285b852c90e7','least squares',603,1.12059541239629094637e+01,3.56018564772169199272e-02);
INSERT INTO "measurements" VALUES('271409a5',3,3,'5e0d42ff3a79103836129fd66112fa30','least squares',246,1.68081991215226933533e+00,1.0);
INSERT INTO "measurements" VALUES('72d92f99',1,0,'153643c0ecc107401aa4905d2a372d42','least squares',251,1.71498291849682771292e+00,1.0);
INSERT INTO "measurements" VALUES('72d92f99',1,1,'1778808a7a63287d5bea85d820b5de80','least squares',636,1.20463640800390425766e+01,2.9821118178302796764e-02);
INSERT INTO "measurements" VALUES('72d92f99',1,2,'770a360a9201e598ce38974830bac8a0','least squares',1094,1.64182528062469508252e+01,2.98211181783030188086e-02);
INSERT INTO "measurements" VALUES('72d92f99',2,0,'5e0d42ff3a79103836129fd66112fa30','least squares',241,1.64665690580771117978e+00,1.0);
INSERT INTO "measurements" VALUES('72d92f99',2,1,'5e0d42ff3a79103836129fd66112fa30','least squares',234,1.59882869692532958438e+00,1.0);
INSERT INTO "measurements" VALUES('72d92f99',2,2,'9917ceacb6416cf2b3458a2dfb3c8b07','least squares',186,1.27086383601756969241e+00,1.0);
INSERT INTO "measurements" VALUES('72d92f99',2,3,'5e0d42ff3a79103836129fd66112fa30','least squares',229,1.56466569058077120679e+00,1.0);
INSERT INTO "measurements" VALUES('72d92f99',2,4,'ebb8490425eeb6199c5aa353c2f43816','least squares',203,1.38701805758906782095e+00,5.22860218339477267335e-01);
INSERT INTO "measurements" VALUES('72d92f99',2,5,'5e0d42ff3a79103836129fd66112fa30','least squares',250,1.70815031722791621504e+00,1.0);
INSERT INTO "measurements" VALUES('72d92f99',2,6,'e32fa0d3e8b6b169f85c285b852c90e7','least squares',572,1.07306002928257679938e+01,3.56018564772168089049e-02);
INSERT INTO "measurements" VALUES('72d92f99',3,0,'5e0d42ff3a79103836129fd66112fa30','least squares',246,1.68081991215226933533e+00,1.0);
INSERT INTO "measurements" VALUES('72d92f99',3,1,'e32fa0d3e8b6b169f85c285b852c90e7','least squares',608,1.12576866764275269612e+01,3.56018564772169199272e-02);
INSERT INTO "measurements" VALUES('72d92f99',3,2,'5e0d42ff3a79103836129fd66112fa30','least squares',249,1.70131771595900449511e+00,1.0);
INSERT INTO "measurements" VALUES('72d92f99',3,3,'1778808a7a63287d5bea85d820b5de80','least squares',618,1.16071254270375785462e+01,2.9821118178302796764e-02);
INSERT INTO "measurements" VALUES('72d92f99',4,0,'e32fa0d3e8b6b169f85c285b852c90e7','least squares',602,1.13748169838945827341e+01,3.56018564772168089049e-02);
INSERT INTO "measurements" VALUES('72d92f99',4,1,'c4a71085450b68a5dca134497a75b6d0','least squares',232,1.58516349438750614453e+00,6.9251990440736033161e-01);
INSERT INTO "measurements" VALUES('72d92f99',4,2,'b2964fe701cf25bf5010145c83cc4b23','least squares',232,1.58516349438750614453e+00,3.55435287035590796733e-01);
INSERT INTO "measurements" VALUES('72d92f99',4,3,'c4a71085450b68a5dca134497a75b6d0','least squares',229,1.56466569058077120679e+00,6.92519904407412179025e-01);
INSERT INTO "measurements" VALUES('72d92f99',5,0,'770a360a9201e598ce38974830bac8a0','least squares',944,1.41810639336261594682e+01,2.98211181783029077863e-02);
INSERT INTO "measurements" VALUES('72d92f99',5,1,'5e0d42ff3a79103836129fd66112fa30','least squares',238,1.62615910200097602e+00,1.0);
INSERT INTO "measurements" VALUES('72d92f99',6,0,'9a5d260082c149d707d9315fe723f2bb','least squares',242,1.65348950707662289971e+00,3.62532104583936365393e-01);
INSERT INTO "measurements" VALUES('72d92f99',6,1,'9dc0996e15611f02bbf04270447ae128','least squares',536,9.141532454856028167e+00,3.5625964609222071644e-02);
INSERT INTO "measurements" VALUES('72d92f99',6,2,'9dc0996e15611f02bbf04270447ae128','least squares',579,1.00678379697413369344e+01,3.56259646091965365144e-02);
INSERT INTO "measurements" VALUES('72d92f99',7,0,'9a5d260082c149d707d9315fe723f2bb','least squares',255,1.74231332357247437059e+00,3.62532104583934589037e-01);
INSERT INTO "measurements" VALUES('72d92f99',7,1,'9a5d260082c149d707d9315fe723f2bb','least squares',265,1.81063933626159112577e+00,3.62532104597504178933e-01);
INSERT INTO "measurements" VALUES('72d92f99',7,2,'9dc0996e15611f02bbf04270447ae128','least squares',577,1.00190336749633956969e+01,3.5625964609140581274e-02);
INSERT INTO "measurements" VALUES('72d92f99',7,3,'9dc0996e15611f02bbf04270447ae128','least squares',543,9.18936066373840887422e+00,3.5625964609222071644e-02);
INSERT INTO "measurements" VALUES('72d92f99',8,0,'e32fa0d3e8b6b169f85c285b852c90e7','least squares',579,1.07784285017081504776e+01,3.56018564772168089049e-02);
INSERT INTO "measurements" VALUES('72d92f99',8,1,'5e0d42ff3a79103836129fd66112fa30','least squares',235,1.60566129819424108227e+00,1.0);
INSERT INTO "measurements" VALUES('72d92f99',8,2,'e32fa0d3e8b6b169f85c285b852c90e7','least squares',607,1.11981454367984376572e+01,3.56018564772168089049e-02);
INSERT INTO "measurements" VALUES('72d92f99',9,0,'558ce86b06c2f7bc798ed6291b2c9636','least squares',251,1.71498291849682771292e+00,1.0);
INSERT INTO "measurements" VALUES('72d92f99',9,1,'5e0d42ff3a79103836129fd66112fa30','least squares',234,1.59882869692532958438e+00,1.0);
INSERT INTO "measurements" VALUES('72d92f99',9,2,'770a360a9201e598ce38974830bac8a0','least squares',672,1.26388482186432398184e+01,2.9821118178302796764e-02);
INSERT INTO "measurements" VALUES('72d92f99',10,0,'e32fa0d3e8b6b169f85c285b852c90e7','least squares',582,1.0798926305514886081e+01,3.56018564772168089049e-02);
INSERT INTO "measurements" VALUES('72d92f99',10,1,'5cfe4102d95d87286d1404a1a12c5a65','least squares',252,1.72181551976573943285e+00,1.0);
INSERT INTO "measurements" VALUES('72d92f99',10,2,'5e0d42ff3a79103836129fd66112fa30','least squares',237,1.61932650073206452212e+00,1.0);
INSERT INTO "measurements" VALUES('72d92f99',10,3,'5e0d42ff3a79103836129fd66112fa30','least squares',234,1.59882869692532958438e+00,1.0);
INSERT INTO "measurements" VALUES('72d92f99',11,0,'b089c445270830809ddba4349d4d4383','least squares',267,1.82430453879941434358e+00,3.62532104583889625004e-01);
INSERT INTO "measurements" VALUES('72d92f99',11,1,'e32fa0d3e8b6b169f85c285b852c90e7','least squares',583,1.08057589067837973568e+01,3.56018564772168089049e-02);
INSERT INTO "measurements" VALUES('72d92f99',11,2,'e32fa0d3e8b6b169f85c285b852c90e7','least squares',579,1.08487066861883842962e+01,3.56018564772168089049e-02);
CREATE TABLE meta (
	"key" VARCHAR NOT NULL,
	value VARCHAR NOT NULL,
	PRIMARY KEY ("key")
);
INSERT INTO "meta" VALUES('schema_version','1');
CREATE TABLE problems (
	problem_version VARCHAR NOT NULL,
	problem VARCHAR NOT NULL,
	first_seen_at VARCHAR NOT NULL,
	PRIMARY KEY (problem_version)
);
INSERT INTO "problems" VALUES('0a1fc8be946db3ce4078ac4ba9550b37','function-approximation/exp2','2026-11-29T16:28:36+00:00');
CREATE TABLE programs (
	program_id VARCHAR NOT NULL,
	source TEXT NOT NULL,
	source_digest VARCHAR NOT NULL,
	PRIMARY KEY (program_id)
);
INSERT INTO "programs" VALUES('35a3a13a59fff23f4b59939406bb4b52','{"entry":"exp2","files":{"program.py":"\"\"\"A start for 2**x on [0, 1): the straight line through both ends.\"\"\"\n\n\ndef exp2(x):\n    \"\"\"Approximate 2**x for 0 <= x < 1 with as few of `+ - * /` as possible.\"\"\"\n    # EVOLVE-BLOCK-START\n    return 1.0 + x\n    # EVOLVE-BLOCK-END\n"},"language":"python"}','919d98cbc5a3ea3dcd3e5379494f6779');
INSERT INTO "programs" VALUES('4df79663cb58774509e495c18a55bb55','{"entry":"exp2","files":{"program.py":"\"\"\"A start for 2**x on [0, 1): the straight line through both ends.\"\"\"\n\n\ndef exp2(x):\n    \"\"\"Approximate 2**x for 0 <= x < 1 with as few of `+ - * /` as possible.\"\"\"\n    # EVOLVE-BLOCK-START\n    t0 = x * 0.9701788818216973\n    t1 = 0.9701788818216973 + t0\n    return t1\n    # EVOLVE-BLOCK-END\n"},"language":"python"}','6a9af6f5e4f8a0c617c2d3b798e884c1');
INSERT INTO "programs" VALUES('02ec4c6f37b2d4fa01b778794c280d0a','{"entry":"exp2","files":{"program.py":"\"\"\"A start for 2**x on [0, 1): the straight line through both ends.\"\"\"\n\n\ndef exp2(x):\n    \"\"\"Approximate 2**x for 0 <= x < 1 with as few of `+ - * /` as possible.\"\"\"\n    # EVOLVE-BLOCK-START\n    t0 = x + -21.583073837457057\n    t1 = 22.54750557142091 + t0\n    return t1\n    # EVOLVE-BLOCK-END\n"},"language":"python"}','92538fcb9f625103b3b028c425b547f5');
INSERT INTO "programs" VALUES('298f476991aa4abc22dbee4ec3a9d642','{"entry":"exp2","files":{"program.py":"\"\"\"A start for 2**x on [0, 1): the straight line through both ends.\"\"\"\n\n\ndef exp2(x):\n    \"\"\"Approximate 2**x for 0 <= x < 1 with as few of `+ - * /` as possible.\"\"\"\n    # EVOLVE-BLOCK-START\n    t0 = x + 1.0\n    t1 = 0.9701788818216972 * t0\n    return t1\n    # EVOLVE-BLOCK-END\n"},"language":"python"}','22e61ebbad96c71a8cc706cc5bea7c3a');
INSERT INTO "programs" VALUES('3dd7d8741c613221adbc946d902d6a0c','{"entry":"exp2","files":{"program.py":"\"\"\"A start for 2**x on [0, 1): the straight line through both ends.\"\"\"\n\n\ndef exp2(x):\n    \"\"\"Approximate 2**x for 0 <= x < 1 with as few of `+ - * /` as possible.\"\"\"\n    # EVOLVE-BLOCK-START\n    t0 = x + 0.9643981435227832\n    return t0\n    # EVOLVE-BLOCK-END\n"},"language":"python"}','dac2827f5ccb1b5e48cf07017245dc31');
INSERT INTO "programs" VALUES('9844c39389b590f8b5c8432335ba9262','{"entry":"exp2","files":{"program.py":"\"\"\"A start for 2**x on [0, 1): the straight line through both ends.\"\"\"\n\n\ndef exp2(x):\n    \"\"\"Approximate 2**x for 0 <= x < 1 with as few of `+ - * /` as possible.\"\"\"\n    # EVOLVE-BLOCK-START\n    t0 = x + 16.448497736674195\n    t1 = -15.48406600271042 + t0\n    return t1\n    # EVOLVE-BLOCK-END\n"},"language":"python"}','a7eb4adc90fabc32de63cf12a76fb53d');
INSERT INTO "programs" VALUES('bf9f78c1aea404f7e56b26cde22594c5','{"entry":"exp2","files":{"program.py":"\"\"\"A start for 2**x on [0, 1): the straight line through both ends.\"\"\"\n\n\ndef exp2(x):\n    \"\"\"Approximate 2**x for 0 <= x < 1 with as few of `+ - * /` as possible.\"\"\"\n    # EVOLVE-BLOCK-START\n    t0 = x + 1.0000000000000002\n    t1 = 0.9701788818216971 * t0\n    return t1\n    # EVOLVE-BLOCK-END\n"},"language":"python"}','e7e0c2d212916c68e85bf93864337a07');
INSERT INTO "programs" VALUES('abeab2009886e80a14dd755a781c1521','{"entry":"exp2","files":{"program.py":"\"\"\"A start for 2**x on [0, 1): the straight line through both ends.\"\"\"\n\n\ndef exp2(x):\n    \"\"\"Approximate 2**x for 0 <= x < 1 with as few of `+ - * /` as possible.\"\"\"\n    # EVOLVE-BLOCK-START\n    t0 = x * -13.551661842477756\n    t1 = -0.07159253250812168 * t0\n    t2 = 0.9702555730403278 + t1\n    return t2\n    # EVOLVE-BLOCK-END\n"},"language":"python"}','95ada29570b02c8360bef4f7561b509b');
INSERT INTO "programs" VALUES('3251a6a1d1050f165ebc2ba1f7c1d488','{"entry":"exp2","files":{"program.py":"\"\"\"A start for 2**x on [0, 1): the straight line through both ends.\"\"\"\n\n\ndef exp2(x):\n    \"\"\"Approximate 2**x for 0 <= x < 1 with as few of `+ - * /` as possible.\"\"\"\n    # EVOLVE-BLOCK-START\n    t0 = x + 0.9643981435227833\n    return t0\n    # EVOLVE-BLOCK-END\n"},"language":"python"}','b42c87a75616e449b350a58e8c7940d5');
CREATE TABLE records (
	run_id VARCHAR NOT NULL,
	number BIGINT NOT NULL,
	ticket_number BIGINT NOT NULL,
	program_id VARCHAR,
	skeleton_id VARCHAR,
	status VARCHAR NOT NULL,
	value DOUBLE,
	metrics TEXT NOT NULL,
	feedback TEXT NOT NULL,
	stage VARCHAR NOT NULL,
	evaluation_set VARCHAR NOT NULL,
	outcome DOUBLE,
	supersedes BIGINT,
	evaluations DOUBLE NOT NULL,
	idea TEXT,
	reply_ids TEXT,
	source TEXT,
	cost_evaluations DOUBLE,
	cost_tokens BIGINT,
	cost_usd DOUBLE,
	PRIMARY KEY (run_id, number),
	FOREIGN KEY(run_id, ticket_number) REFERENCES tickets (run_id, number),
	FOREIGN KEY(program_id) REFERENCES programs (program_id)
);
INSERT INTO "records" VALUES('72d92f99',0,0,'35a3a13a59fff23f4b59939406bb4b52','e32fa0d3e8b6b169f85c285b852c90e7','ok',6.14756886639973298969e-02,'{"digits":1.2112965975010188,"max_relative_error":0.06147568866399733,"operations":1.0}','"the relative error is largest at x = 0.442603: 0.06148, above 2**x"','train','2b61d02d5f4e4bc373f55a641d3df5f2',1.0,NULL,1.0,'"start program"','[]',NULL,0.0,0,0.0);
INSERT INTO "records" VALUES('72d92f99',1,1,'4df79663cb58774509e495c18a55bb55','1778808a7a63287d5bea85d820b5de80','ok',2.98212967089530600617e-02,'{"digits":1.5254734761982802,"max_relative_error":0.02982129670895306,"operations":2.0}','"the relative error is largest at x = 0.442603: 0.02982, above 2**x"','train','2b61d02d5f4e4bc373f55a641d3df5f2',1.0,NULL,3.11795998047828213381e+01,'"mutate: 2 operations, 2 constants"','[]',NULL,3.01795998047828213368e+01,0,0.0);
INSERT INTO "records" VALUES('72d92f99',2,2,'3dd7d8741c613221adbc946d902d6a0c','e32fa0d3e8b6b169f85c285b852c90e7','ok',3.56018564772168089049e-02,'{"digits":1.4485273549263016,"max_relative_error":0.03560185647721681,"operations":1.0}','"the relative error is largest at x = 0: 0.0356, below 2**x"','train','2b61d02d5f4e4bc373f55a641d3df5f2',1.0,NULL,2.09067837969741319179e+01,'"mutate: 1 operations, 1 constants"','[]',NULL,1.9906783796974131917e+01,0,0.0);
INSERT INTO "records" VALUES('72d92f99',3,3,'4df79663cb58774509e495c18a55bb55','1778808a7a63287d5bea85d820b5de80','duplicate',NULL,'{}','"the same program as record 1"','screen','',NULL,NULL,2.62469497315763788947e+01,'"mutate: 2 operations, 2 constants"','[]',NULL,2.62469497315763788947e+01,0,0.0);
INSERT INTO "records" VALUES('72d92f99',4,4,'3dd7d8741c613221adbc946d902d6a0c','e32fa0d3e8b6b169f85c285b852c90e7','duplicate',NULL,'{}','"the same program as record 2"','screen','',NULL,NULL,1.61098096632503668952e+01,'"edit: 1 operations, 1 constants"','[]',NULL,1.61098096632503668952e+01,0,0.0);
INSERT INTO "records" VALUES('72d92f99',5,5,'bf9f78c1aea404f7e56b26cde22594c5','770a360a9201e598ce38974830bac8a0','ok',2.98212967089530600617e-02,'{"digits":1.5254734761982802,"max_relative_error":0.02982129670895306,"operations":2.0}','"the relative error is largest at x = 0.442603: 0.02982, above 2**x"','train','2b61d02d5f4e4bc373f55a641d3df5f2',1.0,NULL,1.68072230356271354878e+01,'"mutate: 2 operations, 2 constants"','[]',NULL,1.58072230356271354874e+01,0,0.0);
INSERT INTO "records" VALUES('72d92f99',6,6,'02ec4c6f37b2d4fa01b778794c280d0a','9dc0996e15611f02bbf04270447ae128','ok',3.56259646091965365144e-02,'{"digits":1.44823336785979,"max_relative_error":0.035625964609196537,"operations":2.0}','"the relative error is largest at x = 0.478531: 0.03563, above 2**x"','train','2b61d02d5f4e4bc373f55a641d3df5f2',0.0,NULL,2.18628599316739880009e+01,'"crossover: 2 operations, 2 constants"','[]',NULL,2.08628599316739880018e+01,0,0.0);
INSERT INTO "records" VALUES('72d92f99',7,7,'9844c39389b590f8b5c8432335ba9262','9dc0996e15611f02bbf04270447ae128','ok',3.5625964609140581274e-02,'{"digits":1.4482333678604722,"max_relative_error":0.03562596460914058,"operations":2.0}','"the relative error is largest at x = 0.478531: 0.03563, above 2**x"','train','2b61d02d5f4e4bc373f55a641d3df5f2',0.0,NULL,2.37613469985358705116e+01,'"crossover: 2 operations, 2 constants"','[]',NULL,2.27613469985358705125e+01,0,0.0);
INSERT INTO "records" VALUES('72d92f99',8,8,'3dd7d8741c613221adbc946d902d6a0c','e32fa0d3e8b6b169f85c285b852c90e7','duplicate',NULL,'{}','"the same program as record 2"','screen','',NULL,NULL,2.35822352367008285516e+01,'"mutate: 1 operations, 1 constants"','[]',NULL,2.35822352367008285516e+01,0,0.0);
INSERT INTO "records" VALUES('72d92f99',9,9,'298f476991aa4abc22dbee4ec3a9d642','770a360a9201e598ce38974830bac8a0','ok',2.98212967089528380171e-02,'{"digits":1.5254734761982833,"max_relative_error":0.029821296708952838,"operations":2.0}','"the relative error is largest at x = 0.442603: 0.02982, above 2**x"','train','2b61d02d5f4e4bc373f55a641d3df5f2',1.0,NULL,1.69526598340653968932e+01,'"mutate: 2 operations, 2 constants"','[]',NULL,1.59526598340653968932e+01,0,0.0);
INSERT INTO "records" VALUES('72d92f99',10,10,'3dd7d8741c613221adbc946d902d6a0c','e32fa0d3e8b6b169f85c285b852c90e7','duplicate',NULL,'{}','"the same program as record 2"','screen','',NULL,NULL,1.57388970229380191771e+01,'"mutate: 1 operations, 1 constants"','[]',NULL,1.57388970229380191771e+01,0,0.0);
INSERT INTO "records" VALUES('72d92f99',11,11,'3dd7d8741c613221adbc946d902d6a0c','e32fa0d3e8b6b169f85c285b852c90e7','duplicate',NULL,'{}','"the same program as record 2"','screen','',NULL,NULL,2.34787701317715971063e+01,'"edit: 1 operations, 1 constants"','[]',NULL,2.34787701317715971063e+01,0,0.0);
INSERT INTO "records" VALUES('271409a5',0,0,'35a3a13a59fff23f4b59939406bb4b52','e32fa0d3e8b6b169f85c285b852c90e7','ok',6.14756886639973298969e-02,'{"digits":1.2112965975010188,"max_relative_error":0.06147568866399733,"operations":1.0}','"the relative error is largest at x = 0.442603: 0.06148, above 2**x"','train','2b61d02d5f4e4bc373f55a641d3df5f2',1.0,NULL,1.0,'"start program"','[]',NULL,0.0,0,0.0);
INSERT INTO "records" VALUES('271409a5',1,1,'3dd7d8741c613221adbc946d902d6a0c','e32fa0d3e8b6b169f85c285b852c90e7','ok',3.56018564772168089049e-02,'{"digits":1.4485273549263016,"max_relative_error":0.03560185647721681,"operations":1.0}','"the relative error is largest at x = 0: 0.0356, below 2**x"','train','2b61d02d5f4e4bc373f55a641d3df5f2',1.0,NULL,2.43313811615422146425e+01,'"mutate: 1 operations, 1 constants"','[]',NULL,2.33313811615422146412e+01,0,0.0);
INSERT INTO "records" VALUES('271409a5',2,2,'abeab2009886e80a14dd755a781c1521','3211f80df27ca1adb50220a97366d403','ok',0.0298838847163585,'{"digits":1.5245629476459086,"max_relative_error":0.0298838847163585,"operations":3.0}','"the relative error is largest at x = 0.442603: 0.02988, above 2**x"','train','2b61d02d5f4e4bc373f55a641d3df5f2',1.0,NULL,2.24055636896046834745e+01,'"mutate: 3 operations, 3 constants"','[]',NULL,2.14055636896046834753e+01,0,0.0);
INSERT INTO "records" VALUES('271409a5',3,3,'3251a6a1d1050f165ebc2ba1f7c1d488','e32fa0d3e8b6b169f85c285b852c90e7','ok',3.56018564772169199272e-02,'{"digits":1.4485273549263002,"max_relative_error":0.03560185647721692,"operations":1.0}','"the relative error is largest at x = 0.478531: 0.0356, above 2**x"','train','2b61d02d5f4e4bc373f55a641d3df5f2',0.0,NULL,1.71732552464616894383e+01,'"mutate: 1 operations, 1 constants"','[]',NULL,1.61732552464616894383e+01,0,0.0);
CREATE TABLE results (
	run_id VARCHAR NOT NULL,
	number BIGINT NOT NULL,
	position INTEGER NOT NULL,
	instance_id VARCHAR NOT NULL,
	status VARCHAR NOT NULL,
	score DOUBLE,
	cpu_seconds DOUBLE NOT NULL,
	wall_seconds DOUBLE NOT NULL,
	peak_bytes BIGINT NOT NULL,
	PRIMARY KEY (run_id, number, position),
	FOREIGN KEY(run_id, number) REFERENCES records (run_id, number)
)
 WITHOUT ROWID

;
INSERT INTO "results" VALUES('271409a5',0,0,'train-2049','ok',6.14756886639973298969e-02,2.11347000000028373278e-04,2.12308000072880531661e-04,0);
INSERT INTO "results" VALUES('271409a5',1,0,'train-2049','ok',3.56018564772168089049e-02,1.5402800000030580918e-04,1.55221999875720939598e-04,0);
INSERT INTO "results" VALUES('271409a5',2,0,'train-2049','ok',0.0298838847163585,0.000124163000000177,1.25655000147162354551e-04,0);
INSERT INTO "results" VALUES('271409a5',3,0,'train-2049','ok',3.56018564772169199272e-02,2.10845999999875743924e-04,2.12147999945955234579e-04,0);
INSERT INTO "results" VALUES('72d92f99',0,0,'train-2049','ok',6.14756886639973298969e-02,1.05016999999207882865e-04,1.05587999996714643202e-04,0);
INSERT INTO "results" VALUES('72d92f99',1,0,'train-2049','ok',2.98212967089530600617e-02,1.25816000000611438736e-04,1.26767999972798861563e-04,0);
INSERT INTO "results" VALUES('72d92f99',2,0,'train-2049','ok',3.56018564772168089049e-02,9.92060000015726473066e-05,1.00318000022525666281e-04,0);
INSERT INTO "results" VALUES('72d92f99',5,0,'train-2049','ok',2.98212967089530600617e-02,9.73420000001112839527e-05,9.81939999746828107163e-05,0);
INSERT INTO "results" VALUES('72d92f99',6,0,'train-2049','ok',3.56259646091965365144e-02,1.1938400000133242429e-04,1.20998000056715682148e-04,0);
INSERT INTO "results" VALUES('72d92f99',7,0,'train-2049','ok',3.5625964609140581274e-02,0.000135143000001392,1.36014999952749349176e-04,0);
INSERT INTO "results" VALUES('72d92f99',9,0,'train-2049','ok',2.98212967089528380171e-02,0.000106680000001802,1.18692999876657268032e-04,0);
CREATE TABLE runs (
	run_id VARCHAR NOT NULL,
	ordinal BIGINT NOT NULL,
	problem_version VARCHAR NOT NULL,
	problem VARCHAR NOT NULL,
	config TEXT NOT NULL,
	run_seed BIGINT NOT NULL,
	started_at VARCHAR NOT NULL,
	ended_at VARCHAR,
	stop_reason VARCHAR,
	seconds DOUBLE,
	lease_owner VARCHAR,
	lease_host VARCHAR,
	lease_pid BIGINT,
	lease_start VARCHAR,
	lease_at VARCHAR,
	PRIMARY KEY (run_id),
	FOREIGN KEY(problem_version) REFERENCES problems (problem_version)
);
INSERT INTO "runs" VALUES('72d92f99',1,'0a1fc8be946db3ce4078ac4ba9550b37','function-approximation/exp2','{"evaluations":12.0,"folder":"/problems/exp2","policy":"clade","proposals":240,"seed":3,"start":"seed","window":16}',3,'2026-11-29T16:28:36+00:00','2026-11-29T16:29:46+00:00','evaluations',7.04598708589999205269e+01,NULL,'host',1,'1','2026-11-29T16:29:46+00:00');
INSERT INTO "runs" VALUES('271409a5',2,'0a1fc8be946db3ce4078ac4ba9550b37','function-approximation/exp2','{"evaluations":4.0,"folder":"/problems/exp2","policy":"clade","proposals":80,"seed":4,"start":"seed","window":16}',4,'2026-11-29T16:29:47+00:00','2026-11-29T16:29:52+00:00','evaluations',5.91772772699982851918e+00,NULL,'host',1,'1','2026-11-29T16:29:52+00:00');
CREATE TABLE tickets (
	run_id VARCHAR NOT NULL,
	number BIGINT NOT NULL,
	kind VARCHAR NOT NULL,
	parents TEXT NOT NULL,
	inspirations TEXT NOT NULL,
	operator VARCHAR NOT NULL,
	model VARCHAR,
	seed BIGINT NOT NULL,
	PRIMARY KEY (run_id, number),
	FOREIGN KEY(run_id) REFERENCES runs (run_id)
)
 WITHOUT ROWID

;
INSERT INTO "tickets" VALUES('271409a5',0,'expand','[]','[]','start',NULL,6757505057957178268);
INSERT INTO "tickets" VALUES('271409a5',1,'expand','["35a3a13a59fff23f4b59939406bb4b52"]','["35a3a13a59fff23f4b59939406bb4b52"]','mutate',NULL,4991953389555656130);
INSERT INTO "tickets" VALUES('271409a5',2,'expand','["35a3a13a59fff23f4b59939406bb4b52"]','["35a3a13a59fff23f4b59939406bb4b52"]','mutate',NULL,3378367217359326410);
INSERT INTO "tickets" VALUES('271409a5',3,'expand','["35a3a13a59fff23f4b59939406bb4b52"]','["35a3a13a59fff23f4b59939406bb4b52"]','mutate',NULL,2000618039580545705);
INSERT INTO "tickets" VALUES('72d92f99',0,'expand','[]','[]','start',NULL,2931693635251038141);
INSERT INTO "tickets" VALUES('72d92f99',1,'expand','["35a3a13a59fff23f4b59939406bb4b52"]','["35a3a13a59fff23f4b59939406bb4b52"]','mutate',NULL,765589649817831759);
INSERT INTO "tickets" VALUES('72d92f99',2,'expand','["35a3a13a59fff23f4b59939406bb4b52"]','["35a3a13a59fff23f4b59939406bb4b52"]','mutate',NULL,1132837208837872673);
INSERT INTO "tickets" VALUES('72d92f99',3,'expand','["35a3a13a59fff23f4b59939406bb4b52"]','["35a3a13a59fff23f4b59939406bb4b52"]','mutate',NULL,6052718408590527870);
INSERT INTO "tickets" VALUES('72d92f99',4,'expand','["35a3a13a59fff23f4b59939406bb4b52"]','["35a3a13a59fff23f4b59939406bb4b52"]','edit',NULL,4719599894176654026);
INSERT INTO "tickets" VALUES('72d92f99',5,'expand','["35a3a13a59fff23f4b59939406bb4b52"]','["35a3a13a59fff23f4b59939406bb4b52"]','mutate',NULL,987333904441373337);
INSERT INTO "tickets" VALUES('72d92f99',6,'expand','["35a3a13a59fff23f4b59939406bb4b52"]','["35a3a13a59fff23f4b59939406bb4b52"]','crossover',NULL,5031674766535179591);
INSERT INTO "tickets" VALUES('72d92f99',7,'expand','["35a3a13a59fff23f4b59939406bb4b52"]','["35a3a13a59fff23f4b59939406bb4b52"]','crossover',NULL,4298372740483217433);
INSERT INTO "tickets" VALUES('72d92f99',8,'expand','["35a3a13a59fff23f4b59939406bb4b52"]','["35a3a13a59fff23f4b59939406bb4b52"]','mutate',NULL,6265880014338559896);
INSERT INTO "tickets" VALUES('72d92f99',9,'expand','["35a3a13a59fff23f4b59939406bb4b52"]','["35a3a13a59fff23f4b59939406bb4b52"]','mutate',NULL,7231247035453318492);
INSERT INTO "tickets" VALUES('72d92f99',10,'expand','["35a3a13a59fff23f4b59939406bb4b52"]','["35a3a13a59fff23f4b59939406bb4b52"]','mutate',NULL,354093965375342493);
INSERT INTO "tickets" VALUES('72d92f99',11,'expand','["35a3a13a59fff23f4b59939406bb4b52"]','["35a3a13a59fff23f4b59939406bb4b52"]','edit',NULL,6844378673164854948);
CREATE INDEX final_openings_by_run ON final_openings (run_id);
CREATE INDEX events_by_run ON events (run_id);
CREATE INDEX records_by_program ON records (program_id, run_id, number);
CREATE INDEX edges_by_parent ON edges (parent_id, run_id);
COMMIT;
