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
INSERT INTO "edges" VALUES('186fbba8',1,'parent',0,'00010001000100010001000100010001','00000000000000000000000000000000');
INSERT INTO "edges" VALUES('186fbba8',2,'parent',0,'00020002000200020002000200020002','00000000000000000000000000000000');
INSERT INTO "edges" VALUES('186fbba8',3,'parent',0,'00030003000300030003000300030003','00000000000000000000000000000000');
INSERT INTO "edges" VALUES('186fbba8',4,'parent',0,'00040004000400040004000400040004','00000000000000000000000000000000');
INSERT INTO "edges" VALUES('186fbba8',5,'parent',0,'00050005000500050005000500050005','00000000000000000000000000000000');
INSERT INTO "edges" VALUES('2f6ab25f',1,'inspiration',0,'ff359885d4ec046332a16b76d33c6b5e','35a3a13a59fff23f4b59939406bb4b52');
INSERT INTO "edges" VALUES('2f6ab25f',1,'parent',0,'ff359885d4ec046332a16b76d33c6b5e','35a3a13a59fff23f4b59939406bb4b52');
INSERT INTO "edges" VALUES('2f6ab25f',2,'inspiration',0,'2da0193bb5bfa5342ace1f2b656a494a','35a3a13a59fff23f4b59939406bb4b52');
INSERT INTO "edges" VALUES('2f6ab25f',2,'parent',0,'2da0193bb5bfa5342ace1f2b656a494a','35a3a13a59fff23f4b59939406bb4b52');
INSERT INTO "edges" VALUES('2f6ab25f',3,'inspiration',0,'66e5d61f691f88f5312f701737666faf','35a3a13a59fff23f4b59939406bb4b52');
INSERT INTO "edges" VALUES('2f6ab25f',3,'parent',0,'66e5d61f691f88f5312f701737666faf','35a3a13a59fff23f4b59939406bb4b52');
CREATE TABLE events (
	event_id INTEGER NOT NULL,
	run_id VARCHAR NOT NULL,
	kind VARCHAR NOT NULL,
	payload TEXT NOT NULL,
	recorded_at VARCHAR NOT NULL,
	PRIMARY KEY (event_id),
	FOREIGN KEY(run_id) REFERENCES runs (run_id)
);
INSERT INTO "events" VALUES(1,'2f6ab25f','foresight','{"luck":null,"prospect":{"evaluations":58.25183016105417,"figure":"largest gain in digits","gain":null,"improvements":1,"seconds":9.01110936699979,"tokens":0,"usd":0.0}}','2026-11-29T16:56:22+00:00');
INSERT INTO "events" VALUES(2,'186fbba8','sandbox','{"sandbox":"docker"}','2026-11-29T16:56:22+00:00');
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
INSERT INTO "final_openings" VALUES('v',1,'00010001000100010001000100010001','186fbba8','{"error":0.25}','2026-11-29T16:56:22+00:00');
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
INSERT INTO "gate_queries" VALUES('186fbba8',1,1,'{"error":"inf"}','gate set','"z = 4"');
INSERT INTO "gate_queries" VALUES('186fbba8',5,1,'{"error":"inf"}','gate set','"z = 4"');
INSERT INTO "gate_queries" VALUES('2f6ab25f',0,1,'{"digits":1.2112964231502825,"max_relative_error":0.06147571334387279,"operations":1.0}','c5cb05489f3f20eea8e5df4882341a7a','""');
INSERT INTO "gate_queries" VALUES('2f6ab25f',1,1,'{"digits":1.447953561371985,"max_relative_error":0.03564892503890759,"operations":2.0}','c5cb05489f3f20eea8e5df4882341a7a','""');
INSERT INTO "gate_queries" VALUES('2f6ab25f',2,1,'{"digits":1.5254671495283574,"max_relative_error":0.02982173113969776,"operations":2.0}','c5cb05489f3f20eea8e5df4882341a7a','""');
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
INSERT INTO "measurements" VALUES('186fbba8',0,0,'5ke1e70n','constants',12,0.025,0.125);
INSERT INTO "measurements" VALUES('186fbba8',1,0,'5ke1e70n','constants',12,0.025,0.125);
INSERT INTO "measurements" VALUES('186fbba8',2,0,'5ke1e70n','constants',12,0.025,0.125);
INSERT INTO "measurements" VALUES('186fbba8',3,0,'5ke1e70n','constants',12,0.025,0.125);
INSERT INTO "measurements" VALUES('186fbba8',4,0,'5ke1e70n','constants',12,0.025,0.125);
INSERT INTO "measurements" VALUES('186fbba8',5,0,'5ke1e70n','constants',12,0.025,0.125);
INSERT INTO "measurements" VALUES('2f6ab25f',1,0,'9dc0996e15611f02bbf04270447ae128','least squares',1344,1.87208394338701822334e+01,3.56481448044289050969e-02);
INSERT INTO "measurements" VALUES('2f6ab25f',2,0,'770a360a9201e598ce38974830bac8a0','least squares',1668,2.38540751586139592181e+01,2.98210305813471077129e-02);
INSERT INTO "measurements" VALUES('2f6ab25f',3,0,'5cfe4102d95d87286d1404a1a12c5a65','least squares',883,6.03318692044899940185e+00,9.99361367257620369919e-01);
INSERT INTO "measurements" VALUES('2f6ab25f',3,1,'5e0d42ff3a79103836129fd66112fa30','least squares',826,5.64372864812103447462e+00,9.99361367257383781392e-01);
CREATE TABLE messages (
	digest VARCHAR NOT NULL,
	content TEXT NOT NULL,
	PRIMARY KEY (digest)
);
INSERT INTO "messages" VALUES('64355704f2a6e3a2eb8d0a8bdd09e9fe','"do 0\ndo 0\ndo 0\ndo 0\n"');
INSERT INTO "messages" VALUES('dc1ba7081d51c1032ce04c4bd87bb350','"improve it improve i"');
INSERT INTO "messages" VALUES('e0af0e6e127bf13604c62ab553c77dcf','"do 6\ndo 6\ndo 6\ndo 6\n"');
CREATE TABLE meta (
	"key" VARCHAR NOT NULL,
	value VARCHAR NOT NULL,
	PRIMARY KEY ("key")
);
INSERT INTO "meta" VALUES('schema_version','2');
CREATE TABLE problems (
	problem_version VARCHAR NOT NULL,
	problem VARCHAR NOT NULL,
	first_seen_at VARCHAR NOT NULL,
	PRIMARY KEY (problem_version)
);
INSERT INTO "problems" VALUES('4ae4f6723d54d6cec3279b4521ed2928','function-approximation/exp2','2026-11-29T16:56:13+00:00');
INSERT INTO "problems" VALUES('v','p','2026-11-29T16:56:22+00:00');
CREATE TABLE programs (
	program_id VARCHAR NOT NULL,
	source TEXT NOT NULL,
	source_digest VARCHAR NOT NULL,
	PRIMARY KEY (program_id)
);
INSERT INTO "programs" VALUES('35a3a13a59fff23f4b59939406bb4b52','{"entry":"exp2","files":{"program.py":"\"\"\"2**x on [0, 1) by straight-line arithmetic.\"\"\"\n\n\ndef exp2(x):\n    \"\"\"Approximate 2**x for 0 <= x < 1 with as few of `+ - * /` as possible.\"\"\"\n    # EVOLVE-BLOCK-START\n    return 1.0 + x\n    # EVOLVE-BLOCK-END\n"},"language":"python"}','9aed248c45bfc3e94d5eb1df6631b7d5');
INSERT INTO "programs" VALUES('ff359885d4ec046332a16b76d33c6b5e','{"entry":"exp2","files":{"program.py":"\"\"\"2**x on [0, 1) by straight-line arithmetic.\"\"\"\n\n\ndef exp2(x):\n    \"\"\"Approximate 2**x for 0 <= x < 1 with as few of `+ - * /` as possible.\"\"\"\n    # EVOLVE-BLOCK-START\n    t0 = x + 68.39543388883038\n    t1 = -67.43108281383103 + t0\n    return t1\n    # EVOLVE-BLOCK-END\n"},"language":"python"}','ae5880136be1b30aec894af2b3e680cb');
INSERT INTO "programs" VALUES('2da0193bb5bfa5342ace1f2b656a494a','{"entry":"exp2","files":{"program.py":"\"\"\"2**x on [0, 1) by straight-line arithmetic.\"\"\"\n\n\ndef exp2(x):\n    \"\"\"Approximate 2**x for 0 <= x < 1 with as few of `+ - * /` as possible.\"\"\"\n    # EVOLVE-BLOCK-START\n    t0 = x + 0.9999987831396627\n    t1 = 0.9701794494701972 * t0\n    return t1\n    # EVOLVE-BLOCK-END\n"},"language":"python"}','4780ec56dc39fd18a2f4138a095df653');
INSERT INTO "programs" VALUES('66e5d61f691f88f5312f701737666faf','{"entry":"exp2","files":{"program.py":"\"\"\"2**x on [0, 1) by straight-line arithmetic.\"\"\"\n\n\ndef exp2(x):\n    \"\"\"Approximate 2**x for 0 <= x < 1 with as few of `+ - * /` as possible.\"\"\"\n    # EVOLVE-BLOCK-START\n    t0 = x * 2.462342084169855\n    return t0\n    # EVOLVE-BLOCK-END\n"},"language":"python"}','03f647f9fe0e34e1c5b2b3333cd0e2d1');
INSERT INTO "programs" VALUES('00000000000000000000000000000000','{"entry":"f","files":{"program.py":"def f(x):\n    return x * 0.5\n"},"language":"python"}','2114330f45cd317b707435513718a759');
INSERT INTO "programs" VALUES('00010001000100010001000100010001','{"entry":"f","files":{"program.py":"def f(x):\n    return x * 1.5\n"},"language":"python"}','9432f16501ba2fa5c65ca45e4b933ac1');
INSERT INTO "programs" VALUES('00020002000200020002000200020002','{"entry":"f","files":{"program.py":"def f(x):\n    return x * 2.5\n"},"language":"python"}','095e99ca3f6f0635b20470f9265f0d6f');
INSERT INTO "programs" VALUES('00030003000300030003000300030003','{"entry":"f","files":{"program.py":"def f(x):\n    return x * 3.5\n"},"language":"python"}','20808956207fd1a851901b69b40c8625');
INSERT INTO "programs" VALUES('00040004000400040004000400040004','{"entry":"f","files":{"program.py":"def f(x):\n    return x * 4.5\n"},"language":"python"}','de74a2f114d68ff797b26b31f9eca0e6');
INSERT INTO "programs" VALUES('00050005000500050005000500050005','{"entry":"f","files":{"program.py":"def f(x):\n    return x * 5.5\n"},"language":"python"}','d92ae670360c834017b4ffcb68b3d3d1');
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
	failed BOOLEAN,
	gain DOUBLE,
	PRIMARY KEY (run_id, number),
	FOREIGN KEY(run_id, ticket_number) REFERENCES tickets (run_id, number),
	FOREIGN KEY(program_id) REFERENCES programs (program_id)
);
INSERT INTO "records" VALUES('2f6ab25f',0,0,'35a3a13a59fff23f4b59939406bb4b52','e32fa0d3e8b6b169f85c285b852c90e7','ok',6.14756886639973298969e-02,'{"digits":1.2112965975010188,"max_relative_error":0.06147568866399733,"operations":1.0}','"the relative error is largest at x = 0.442603: 0.06148, above 2**x"','train','5fec7b590ac00aaa1a0e26010a1463ab',1.0,NULL,1.0,'"start program"','[]',NULL,0.0,0,0.0,NULL,NULL);
INSERT INTO "records" VALUES('2f6ab25f',1,1,'ff359885d4ec046332a16b76d33c6b5e','9dc0996e15611f02bbf04270447ae128','ok',3.56489250006433167072e-02,'{"digits":1.447953561838141,"max_relative_error":0.03564892500064332,"operations":2.0}','"the relative error is largest at x = 0: 0.03565, below 2**x"','train','5fec7b590ac00aaa1a0e26010a1463ab',1.0,NULL,1.97208394338701822334e+01,'"crossover: 2 operations, 2 constants"','[]',NULL,1.87208394338701822334e+01,0,0.0,NULL,NULL);
INSERT INTO "records" VALUES('2f6ab25f',2,2,'2da0193bb5bfa5342ace1f2b656a494a','770a360a9201e598ce38974830bac8a0','ok',2.98217311026949261076e-02,'{"digits":1.5254671500672305,"max_relative_error":0.029821731102694926,"operations":2.0}','"the relative error is largest at x = 0: 0.02982, below 2**x"','train','5fec7b590ac00aaa1a0e26010a1463ab',1.0,NULL,2.48540751586139592173e+01,'"mutate: 2 operations, 2 constants"','[]',NULL,2.38540751586139592181e+01,0,0.0,NULL,NULL);
INSERT INTO "records" VALUES('2f6ab25f',3,3,'66e5d61f691f88f5312f701737666faf','5e0d42ff3a79103836129fd66112fa30','ok',1.0,'{"digits":0.0,"max_relative_error":1.0,"operations":1.0}','"the relative error is largest at x = 0: 1, below 2**x"','train','5fec7b590ac00aaa1a0e26010a1463ab',0.0,NULL,1.26769155685700347642e+01,'"mutate: 1 operations, 1 constants"','[]',NULL,1.1676915568570034765e+01,0,0.0,NULL,NULL);
INSERT INTO "records" VALUES('186fbba8',0,0,'00000000000000000000000000000000','00000000','ok',0.1,'{"error":0.1,"operations":7.0}','""','train','set',1.0,NULL,1.3,'"scale it"','["r1"]',NULL,0.3,17,0.002,NULL,NULL);
INSERT INTO "records" VALUES('186fbba8',1,1,'00010001000100010001000100010001','00010001','ok',1.1,'{"error":1.1,"operations":7.0}','""','train','set',1.0,NULL,1.3,'"scale it"','["r1"]',NULL,0.3,17,0.002,NULL,NULL);
INSERT INTO "records" VALUES('186fbba8',2,2,'00020002000200020002000200020002','00020002','ok',2.1,'{"error":2.1,"operations":7.0}','""','train','set',1.0,NULL,1.3,'"scale it"','["r1"]',NULL,0.3,17,0.002,NULL,NULL);
INSERT INTO "records" VALUES('186fbba8',3,3,'00030003000300030003000300030003','00030003','ok',3.1,'{"error":3.1,"operations":7.0}','""','train','set',1.0,NULL,1.3,'"scale it"','["r1"]',NULL,0.3,17,0.002,NULL,NULL);
INSERT INTO "records" VALUES('186fbba8',4,4,'00040004000400040004000400040004','00040004','ok',4.1,'{"error":4.1,"operations":7.0}','""','train','set',1.0,NULL,1.3,'"scale it"','["r1"]',NULL,0.3,17,0.002,NULL,NULL);
INSERT INTO "records" VALUES('186fbba8',5,5,'00050005000500050005000500050005','00050005','ok',5.1,'{"error":5.1,"operations":7.0}','""','train','set',1.0,NULL,1.3,'"scale it"','["r1"]',NULL,0.3,17,0.002,NULL,NULL);
INSERT INTO "records" VALUES('186fbba8',6,6,NULL,NULL,'edit_failed',NULL,'{}','"fits nowhere"','screen','',NULL,NULL,0.0,'""','["6.0"]',NULL,0.0,0,0.0,1,0.5);
INSERT INTO "records" VALUES('186fbba8',7,7,'00030003000300030003000300030003',NULL,'forbidden',NULL,'{}','"looked ahead"','screen','',NULL,3,0.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE replies (
	run_id VARCHAR NOT NULL,
	ticket_number BIGINT NOT NULL,
	attempt INTEGER NOT NULL,
	model VARCHAR NOT NULL,
	request TEXT NOT NULL,
	digest VARCHAR NOT NULL,
	text TEXT NOT NULL,
	finish VARCHAR NOT NULL,
	prompt_tokens BIGINT NOT NULL,
	completion_tokens BIGINT NOT NULL,
	cached_tokens BIGINT NOT NULL,
	usd DOUBLE,
	seconds DOUBLE NOT NULL,
	recorded_at VARCHAR NOT NULL,
	PRIMARY KEY (run_id, ticket_number, attempt),
	FOREIGN KEY(run_id, ticket_number) REFERENCES tickets (run_id, number)
);
INSERT INTO "replies" VALUES('186fbba8',0,0,'m','{"max_tokens":9,"messages":[{"content":"dc1ba7081d51c1032ce04c4bd87bb350","role":"system"},{"content":"64355704f2a6e3a2eb8d0a8bdd09e9fe","role":"user"}],"model":"x"}','d0','"Idea: 0\n```python\nx = 0\n```"','stop',1000,20,5,0.25,1.5,'2026-11-29T16:56:22+00:00');
INSERT INTO "replies" VALUES('186fbba8',0,1,'m','{"max_tokens":9,"messages":[{"content":"dc1ba7081d51c1032ce04c4bd87bb350","role":"system"},{"content":"64355704f2a6e3a2eb8d0a8bdd09e9fe","role":"user"}],"model":"x"}','d0','"Idea: 1\n```python\nx = 0\n```"','stop',1000,20,5,0.25,1.5,'2026-11-29T16:56:22+00:00');
INSERT INTO "replies" VALUES('186fbba8',6,0,'m','{"max_tokens":9,"messages":[{"content":"dc1ba7081d51c1032ce04c4bd87bb350","role":"system"},{"content":"e0af0e6e127bf13604c62ab553c77dcf","role":"user"}],"model":"x"}','d6','"Idea: 0\n```python\nx = 6\n```"','stop',1006,20,5,0.25,1.5,'2026-11-29T16:56:22+00:00');
INSERT INTO "replies" VALUES('186fbba8',6,1,'m','{"max_tokens":9,"messages":[{"content":"dc1ba7081d51c1032ce04c4bd87bb350","role":"system"},{"content":"e0af0e6e127bf13604c62ab553c77dcf","role":"user"}],"model":"x"}','d6','"Idea: 1\n```python\nx = 6\n```"','stop',1006,20,5,0.25,1.5,'2026-11-29T16:56:22+00:00');
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
INSERT INTO "results" VALUES('186fbba8',0,0,'train/0','ok',0.1,0.25,0.5,8589934592);
INSERT INTO "results" VALUES('186fbba8',1,0,'train/0','ok',1.1,0.25,0.5,8589934592);
INSERT INTO "results" VALUES('186fbba8',2,0,'train/0','ok',2.1,0.25,0.5,8589934592);
INSERT INTO "results" VALUES('186fbba8',3,0,'train/0','ok',3.1,0.25,0.5,8589934592);
INSERT INTO "results" VALUES('186fbba8',4,0,'train/0','ok',4.1,0.25,0.5,8589934592);
INSERT INTO "results" VALUES('186fbba8',5,0,'train/0','ok',5.1,0.25,0.5,8589934592);
INSERT INTO "results" VALUES('2f6ab25f',0,0,'train-2049','ok',6.14756886639973298969e-02,1.93823999999898077817e-04,1.95956999959889799356e-04,0);
INSERT INTO "results" VALUES('2f6ab25f',1,0,'train-2049','ok',3.56489250006433167072e-02,7.72059999998298e-05,7.80160003159835468977e-05,0);
INSERT INTO "results" VALUES('2f6ab25f',2,0,'train-2049','ok',2.98217311026949261076e-02,6.58540000000318315187e-05,6.65550001031078863888e-05,0);
INSERT INTO "results" VALUES('2f6ab25f',3,0,'train-2049','ok',1.0,0.000117389999999995,1.18352000299637438729e-04,0);
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
INSERT INTO "runs" VALUES('2f6ab25f',1,'4ae4f6723d54d6cec3279b4521ed2928','function-approximation/exp2','{"evaluations":4.0,"folder":"/problems/exp2","hint":"","models":null,"patience":null,"policy":"clade","prompts":"","prompts_folder":null,"proposals":80,"replay":null,"seed":4,"start":"seed","tokens":null,"usd":null,"window":16}',4,'2026-11-29T16:56:13+00:00','2026-11-29T16:56:22+00:00','evaluations',9.01110936699979,NULL,'host',1,'1','2026-11-29T16:56:21+00:00');
INSERT INTO "runs" VALUES('186fbba8',2,'v','p','{"seed":1}',-1,'2026-11-29T16:56:22+00:00','2026-11-29T16:56:22+00:00','budget',1.5,NULL,'host',1,'1','2026-11-29T16:56:22+00:00');
CREATE TABLE tickets (
	run_id VARCHAR NOT NULL,
	number BIGINT NOT NULL,
	kind VARCHAR NOT NULL,
	parents TEXT NOT NULL,
	inspirations TEXT NOT NULL,
	operator VARCHAR NOT NULL,
	model VARCHAR,
	seed BIGINT NOT NULL,
	mends BIGINT,
	idea TEXT,
	avoid TEXT,
	told BIGINT,
	PRIMARY KEY (run_id, number),
	FOREIGN KEY(run_id) REFERENCES runs (run_id)
)
 WITHOUT ROWID

;
INSERT INTO "tickets" VALUES('186fbba8',0,'expand','[]','[]','mutate',NULL,0,NULL,NULL,NULL,NULL);
INSERT INTO "tickets" VALUES('186fbba8',1,'expand','["00000000000000000000000000000000"]','[]','mutate',NULL,7919,NULL,NULL,NULL,NULL);
INSERT INTO "tickets" VALUES('186fbba8',2,'expand','["00000000000000000000000000000000"]','[]','mutate',NULL,15838,NULL,NULL,NULL,NULL);
INSERT INTO "tickets" VALUES('186fbba8',3,'expand','["00000000000000000000000000000000"]','[]','mutate',NULL,23757,NULL,NULL,NULL,NULL);
INSERT INTO "tickets" VALUES('186fbba8',4,'expand','["00000000000000000000000000000000"]','[]','mutate',NULL,31676,NULL,NULL,NULL,NULL);
INSERT INTO "tickets" VALUES('186fbba8',5,'expand','["00000000000000000000000000000000"]','[]','mutate',NULL,39595,NULL,NULL,NULL,NULL);
INSERT INTO "tickets" VALUES('186fbba8',6,'expand','["00000000000000000000000000000000"]','[]','write','m',5,2,'"idea: \u00e9 \ud800 \u0000"','["a: b"]',4);
INSERT INTO "tickets" VALUES('186fbba8',7,'measure','[]','[]','check',NULL,8,NULL,NULL,NULL,NULL);
INSERT INTO "tickets" VALUES('2f6ab25f',0,'expand','[]','[]','start',NULL,6757505057957178268,NULL,NULL,NULL,NULL);
INSERT INTO "tickets" VALUES('2f6ab25f',1,'expand','["35a3a13a59fff23f4b59939406bb4b52"]','["35a3a13a59fff23f4b59939406bb4b52"]','crossover',NULL,4991953389555656130,NULL,NULL,NULL,NULL);
INSERT INTO "tickets" VALUES('2f6ab25f',2,'expand','["35a3a13a59fff23f4b59939406bb4b52"]','["35a3a13a59fff23f4b59939406bb4b52"]','mutate',NULL,3378367217359326410,NULL,NULL,NULL,NULL);
INSERT INTO "tickets" VALUES('2f6ab25f',3,'expand','["35a3a13a59fff23f4b59939406bb4b52"]','["35a3a13a59fff23f4b59939406bb4b52"]','mutate',NULL,2000618039580545705,NULL,NULL,NULL,NULL);
CREATE INDEX final_openings_by_run ON final_openings (run_id);
CREATE INDEX events_by_run ON events (run_id);
CREATE INDEX records_by_program ON records (program_id, run_id, number);
CREATE INDEX edges_by_parent ON edges (parent_id, run_id);
COMMIT;
