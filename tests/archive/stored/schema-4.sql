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
CREATE TABLE equivalences (
	run_id VARCHAR NOT NULL, 
	number BIGINT NOT NULL, 
	position INTEGER NOT NULL, 
	kind VARCHAR NOT NULL, 
	evaluation_set VARCHAR NOT NULL, 
	function_key VARCHAR NOT NULL, 
	exact_key VARCHAR NOT NULL, 
	about BIGINT, 
	origin_run_id VARCHAR, 
	origin_number BIGINT, 
	saved DOUBLE NOT NULL, 
	seconds DOUBLE NOT NULL, 
	PRIMARY KEY (run_id, number, position), 
	FOREIGN KEY(run_id, number) REFERENCES records (run_id, number)
)
 WITHOUT ROWID

;
INSERT INTO "equivalences" VALUES('e58f3356',0,0,'computed','b29b1fb6e81dbe8da1181b1375c4c17b','a35f64f118db3b844ef0d7ae73070cad','a35f64f118db3b844ef0d7ae73070cad',NULL,NULL,NULL,0.0,0.0);
INSERT INTO "equivalences" VALUES('e58f3356',1,0,'computed','b29b1fb6e81dbe8da1181b1375c4c17b','ddc5ca641a24cde152c3a169e5d51814','ddc5ca641a24cde152c3a169e5d51814',NULL,NULL,NULL,0.0,0.0);
INSERT INTO "equivalences" VALUES('e58f3356',2,0,'computed','b29b1fb6e81dbe8da1181b1375c4c17b','ade266d2eac74a0b90047c7d60f0ff5e','ade266d2eac74a0b90047c7d60f0ff5e',NULL,NULL,NULL,0.0,0.0);
INSERT INTO "equivalences" VALUES('e58f3356',3,0,'computed','b29b1fb6e81dbe8da1181b1375c4c17b','8acc4b34a56f197983b27093e7637efb','8acc4b34a56f197983b27093e7637efb',NULL,NULL,NULL,0.0,0.0);
CREATE TABLE events (
	event_id INTEGER NOT NULL, 
	run_id VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	payload TEXT NOT NULL, 
	recorded_at VARCHAR NOT NULL, 
	PRIMARY KEY (event_id), 
	FOREIGN KEY(run_id) REFERENCES runs (run_id)
);
INSERT INTO "events" VALUES(1,'e58f3356','foresight','{"luck":null,"prospect":{"evaluations":4.0,"figure":"largest gain in digits","gain":null,"improvements":0,"seconds":26.871652368994546,"tokens":0,"usd":0.0}}','2026-11-30T12:00:16+00:00');
INSERT INTO "events" VALUES(2,'186fbba8','sandbox','{"sandbox":"docker"}','2026-11-30T12:00:35+00:00');
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
INSERT INTO "final_openings" VALUES('757285a401341619d5f51abd37548ed1',1,'38400613a3c740abc27497f6810355de','e58f3356','{"floats":1065353216.0,"max_relative_error_float32":4.082397832783872e-07,"max_ulp":5.373212065547705,"seconds":6.901773639000001,"worst_x":0.9948225021362305}','2026-11-30T12:00:32+00:00');
INSERT INTO "final_openings" VALUES('757285a401341619d5f51abd37548ed1',1,'d42e959e6773e763dd81d724a3694b4d','e58f3356','{"floats":1065353216.0,"max_relative_error_float32":5.512531199062931e-07,"max_ulp":8.6026640124619,"seconds":4.292235016,"worst_x":0.9999548196792603}','2026-11-30T12:00:32+00:00');
INSERT INTO "final_openings" VALUES('757285a401341619d5f51abd37548ed1',1,'14e8cb182c6686daa448f2cc4f55f7f1','e58f3356','{"floats":1065353216.0,"max_relative_error_float32":0.0008674498728921176,"max_ulp":14552.794402528554,"seconds":4.987013650000001,"worst_x":0.9999982118606567}','2026-11-30T12:00:32+00:00');
INSERT INTO "final_openings" VALUES('757285a401341619d5f51abd37548ed1',1,'35a3a13a59fff23f4b59939406bb4b52','e58f3356','{"floats":1065353216.0,"max_relative_error_float32":0.061475734700731165,"max_ulp":722019.1646550614,"seconds":3.7919306570000004,"worst_x":0.5287663340568542}','2026-11-30T12:00:32+00:00');
INSERT INTO "final_openings" VALUES('v',1,'00010001000100010001000100010001','186fbba8','{"error":0.25}','2026-11-30T12:00:35+00:00');
CREATE TABLE gate_queries (
	run_id VARCHAR NOT NULL, 
	number BIGINT NOT NULL, 
	accepted BOOLEAN NOT NULL, 
	metrics TEXT NOT NULL, 
	evaluation_set VARCHAR NOT NULL, 
	reason TEXT NOT NULL, 
	question BIGINT, 
	group_count INTEGER, 
	fixed BOOLEAN, 
	statistic DOUBLE, 
	needed DOUBLE, 
	PRIMARY KEY (run_id, number), 
	FOREIGN KEY(run_id, number) REFERENCES records (run_id, number)
)
 WITHOUT ROWID

;
INSERT INTO "gate_queries" VALUES('e58f3356',0,1,'{"digits":1.2112964231502825,"max_relative_error":0.06147571334387279,"operations":1.0}','f1b5d34247ccab6bce70d68bd7b6cb91','""',NULL,NULL,NULL,NULL,NULL);
INSERT INTO "gate_queries" VALUES('e58f3356',1,1,'{"digits":3.0618606150489285,"max_relative_error":0.0008672401681094096,"operations":3.0}','f1b5d34247ccab6bce70d68bd7b6cb91','""',NULL,NULL,NULL,NULL,NULL);
INSERT INTO "gate_queries" VALUES('e58f3356',2,1,'{"digits":6.3624753641081435,"max_relative_error":4.340348841122742e-07,"operations":7.0}','f1b5d34247ccab6bce70d68bd7b6cb91','""',NULL,NULL,NULL,NULL,NULL);
INSERT INTO "gate_queries" VALUES('e58f3356',3,1,'{"digits":10.031063290327152,"max_relative_error":9.30972193734048e-11,"operations":9.0}','f1b5d34247ccab6bce70d68bd7b6cb91','""',NULL,NULL,NULL,NULL,NULL);
INSERT INTO "gate_queries" VALUES('186fbba8',1,1,'{"error":"inf"}','gate set','"z = 4"',1,12,0,3.5,3.0);
INSERT INTO "gate_queries" VALUES('186fbba8',5,1,'{"error":"inf"}','gate set','"z = 4"',5,12,0,3.5,3.0);
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
CREATE TABLE messages (
	digest VARCHAR NOT NULL, 
	content TEXT NOT NULL, 
	PRIMARY KEY (digest)
);
INSERT INTO "messages" VALUES('378b0e335cab72c45dfd40747e24d07f','"improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it improve it "');
INSERT INTO "messages" VALUES('5abc5a300d8fcd915f9226181c1fb9d6','"do 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\ndo 0\n"');
INSERT INTO "messages" VALUES('359ed2879ac728006c8eb843730bfdd0','"do 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\ndo 6\n"');
CREATE TABLE meta (
	"key" VARCHAR NOT NULL, 
	value VARCHAR NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "meta" VALUES('schema_version','4');
INSERT INTO "meta" VALUES('equivalence_secret','00000000000000000000000000000000');
CREATE TABLE problems (
	problem_version VARCHAR NOT NULL, 
	problem VARCHAR NOT NULL, 
	first_seen_at VARCHAR NOT NULL, 
	PRIMARY KEY (problem_version)
);
INSERT INTO "problems" VALUES('757285a401341619d5f51abd37548ed1','function-approximation/exp2','2026-11-30T11:59:50+00:00');
INSERT INTO "problems" VALUES('v','p','2026-11-30T12:00:35+00:00');
CREATE TABLE programs (
	program_id VARCHAR NOT NULL, 
	source TEXT NOT NULL, 
	source_digest VARCHAR NOT NULL, 
	PRIMARY KEY (program_id)
);
INSERT INTO "programs" VALUES('35a3a13a59fff23f4b59939406bb4b52','{"entry":"exp2","files":{"program.py":"\"\"\"2**x on [0, 1) by straight-line arithmetic.\"\"\"\n\n\ndef exp2(x):\n    \"\"\"Approximate 2**x for 0 <= x < 1 with as few of `+ - * /` as possible.\"\"\"\n    # EVOLVE-BLOCK-START\n    return 1.0 + x\n    # EVOLVE-BLOCK-END\n"},"language":"python"}','9aed248c45bfc3e94d5eb1df6631b7d5');
INSERT INTO "programs" VALUES('14e8cb182c6686daa448f2cc4f55f7f1','{"entry":"exp2","files":{"program.py":"\"\"\"Rational function of degrees 1 and 1, least maximum relative error (Remez 1934), nested quotients.\"\"\"\n\n\ndef exp2(x):\n    \"\"\"2**x for 0 <= x < 1.\"\"\"\n    # EVOLVE-BLOCK-START\n    f = x - 3.407083236107397\n    return -1.4142130305546163 - 8.222469986819926 / f\n    # EVOLVE-BLOCK-END\n"},"language":"python"}','7a05878c2b26bebeccbfc29aa6044c78');
INSERT INTO "programs" VALUES('d42e959e6773e763dd81d724a3694b4d','{"entry":"exp2","files":{"program.py":"\"\"\"Rational function of degrees 2 and 2, least maximum relative error (Remez 1934), nested quotients.\"\"\"\n\n\ndef exp2(x):\n    \"\"\"2**x for 0 <= x < 1.\"\"\"\n    # EVOLVE-BLOCK-START\n    s = x - 0.5\n    f = (s - 8.677838838061296) * s + 25.0391066797616\n    return 1.414213562372962 + 24.54463475374622 * s / f\n    # EVOLVE-BLOCK-END\n"},"language":"python"}','019959adef3972ed6d2fcbd2774ab03e');
INSERT INTO "programs" VALUES('38400613a3c740abc27497f6810355de','{"entry":"exp2","files":{"program.py":"\"\"\"Rational function of degrees 3 and 3, least maximum relative error (Remez 1934), nested quotients.\"\"\"\n\n\ndef exp2(x):\n    \"\"\"2**x for 0 <= x < 1.\"\"\"\n    # EVOLVE-BLOCK-START\n    s = x - 0.5\n    g = 104.25093410083278 * s / (s * s + 20.818923794224787)\n    f = s - 17.33400495360798 + g\n    return -1.4142135623730951 - 49.02796979126963 / f\n    # EVOLVE-BLOCK-END\n"},"language":"python"}','972a1407bf0b9df3a49fa85f908aa761');
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
	extent TEXT, 
	PRIMARY KEY (run_id, number), 
	FOREIGN KEY(run_id, ticket_number) REFERENCES tickets (run_id, number), 
	FOREIGN KEY(program_id) REFERENCES programs (program_id)
);
INSERT INTO "records" VALUES('e58f3356',0,0,'35a3a13a59fff23f4b59939406bb4b52','e32fa0d3e8b6b169f85c285b852c90e7','ok',6.14756886639973298969e-02,'{"digits":1.2112965975010188,"max_relative_error":0.06147568866399733,"operations":1.0}','"the relative error is largest at x = 0.442603: 0.06148, above 2**x"','train','b29b1fb6e81dbe8da1181b1375c4c17b',1.0,NULL,1.0,'"start program"','[]',NULL,0.0,0,0.0,NULL,NULL,NULL);
INSERT INTO "records" VALUES('e58f3356',1,1,'14e8cb182c6686daa448f2cc4f55f7f1','7174aa7a917860f376829e223a981e85','ok',8.67239738503666757196e-04,'{"digits":3.0618608301859305,"max_relative_error":0.0008672397385036668,"operations":3.0}','"the relative error is largest at x = 0: 0.0008672, below 2**x"','train','b29b1fb6e81dbe8da1181b1375c4c17b',1.0,NULL,1.0,'"start program"','[]',NULL,0.0,0,0.0,NULL,NULL,NULL);
INSERT INTO "records" VALUES('e58f3356',2,2,'d42e959e6773e763dd81d724a3694b4d','820b40e59e128e29f517a22174609fd7','ok',4.3403454119683715362e-07,'{"digits":6.362475707228816,"max_relative_error":4.3403454119683715e-07,"operations":7.0}','"the relative error is largest at x = 0: 4.34e-07, above 2**x"','train','b29b1fb6e81dbe8da1181b1375c4c17b',1.0,NULL,1.0,'"start program"','[]',NULL,0.0,0,0.0,NULL,NULL,NULL);
INSERT INTO "records" VALUES('e58f3356',3,3,'38400613a3c740abc27497f6810355de','4061e359d45709b02826b43d6a0c73f0','ok',9.30955312838932513841e-11,'{"digits":10.031071165262746,"max_relative_error":9.309553128389325e-11,"operations":9.0}','"the relative error is largest at x = 0: 9.31e-11, below 2**x"','train','b29b1fb6e81dbe8da1181b1375c4c17b',1.0,NULL,1.0,'"start program"','[]',NULL,0.0,0,0.0,NULL,NULL,NULL);
INSERT INTO "records" VALUES('186fbba8',0,0,'00000000000000000000000000000000','00000000','ok',0.1,'{"error":0.1,"operations":7.0}','""','train','set',1.0,NULL,1.3,'"scale it"','["r1"]',NULL,0.3,17,0.002,NULL,NULL,NULL);
INSERT INTO "records" VALUES('186fbba8',1,1,'00010001000100010001000100010001','00010001','ok',1.1,'{"error":1.1,"operations":7.0}','""','train','set',1.0,NULL,1.3,'"scale it"','["r1"]',NULL,0.3,17,0.002,NULL,NULL,NULL);
INSERT INTO "records" VALUES('186fbba8',2,2,'00020002000200020002000200020002','00020002','ok',2.1,'{"error":2.1,"operations":7.0}','""','train','set',1.0,NULL,6.33333333333333303727e-01,'"scale it"','["r1"]',NULL,0.3,17,0.002,NULL,NULL,'{"done":3,"first":"{\"error\":0.5}","new":3,"total":9}');
INSERT INTO "records" VALUES('186fbba8',3,3,'00030003000300030003000300030003','00030003','ok',3.1,'{"error":3.1,"operations":7.0}','""','train','set',1.0,NULL,1.3,'"scale it"','["r1"]',NULL,0.3,17,0.002,NULL,NULL,NULL);
INSERT INTO "records" VALUES('186fbba8',4,4,'00040004000400040004000400040004','00040004','ok',4.1,'{"error":4.1,"operations":7.0}','""','train','set',1.0,NULL,1.3,'"scale it"','["r1"]',NULL,0.3,17,0.002,NULL,NULL,NULL);
INSERT INTO "records" VALUES('186fbba8',5,5,'00050005000500050005000500050005','00050005','ok',5.1,'{"error":5.1,"operations":7.0}','""','train','set',1.0,NULL,1.3,'"scale it"','["r1"]',NULL,0.3,17,0.002,NULL,NULL,NULL);
INSERT INTO "records" VALUES('186fbba8',6,6,NULL,NULL,'edit_failed',NULL,'{}','"fits nowhere"','screen','',NULL,NULL,0.0,'""','["6.0"]',NULL,0.0,0,0.0,1,0.5,NULL);
INSERT INTO "records" VALUES('186fbba8',7,7,'00030003000300030003000300030003',NULL,'forbidden',NULL,'{}','"looked ahead"','screen','',NULL,3,0.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
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
INSERT INTO "replies" VALUES('186fbba8',0,0,'m','{"max_tokens":9,"messages":[{"content":"378b0e335cab72c45dfd40747e24d07f","role":"system"},{"content":"5abc5a300d8fcd915f9226181c1fb9d6","role":"user"}],"model":"x"}','d0','"Idea: 0\n```python\nx = 0\n```"','stop',1000,20,5,0.25,1.5,'2026-11-30T12:00:35+00:00');
INSERT INTO "replies" VALUES('186fbba8',0,1,'m','{"max_tokens":9,"messages":[{"content":"378b0e335cab72c45dfd40747e24d07f","role":"system"},{"content":"5abc5a300d8fcd915f9226181c1fb9d6","role":"user"}],"model":"x"}','d0','"Idea: 1\n```python\nx = 0\n```"','stop',1000,20,5,0.25,1.5,'2026-11-30T12:00:35+00:00');
INSERT INTO "replies" VALUES('186fbba8',6,0,'m','{"max_tokens":9,"messages":[{"content":"378b0e335cab72c45dfd40747e24d07f","role":"system"},{"content":"359ed2879ac728006c8eb843730bfdd0","role":"user"}],"model":"x"}','d6','"Idea: 0\n```python\nx = 6\n```"','stop',1006,20,5,0.25,1.5,'2026-11-30T12:00:35+00:00');
INSERT INTO "replies" VALUES('186fbba8',6,1,'m','{"max_tokens":9,"messages":[{"content":"378b0e335cab72c45dfd40747e24d07f","role":"system"},{"content":"359ed2879ac728006c8eb843730bfdd0","role":"user"}],"model":"x"}','d6','"Idea: 1\n```python\nx = 6\n```"','stop',1006,20,5,0.25,1.5,'2026-11-30T12:00:35+00:00');
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
INSERT INTO "results" VALUES('e58f3356',0,0,'train-2049','ok',6.14756886639973298969e-02,9.01080000019760518625e-05,9.08200017875060439109e-05,0);
INSERT INTO "results" VALUES('e58f3356',1,0,'train-2049','ok',8.67239738503666757196e-04,9.29449999986786679073e-05,9.30649985093623399734e-05,0);
INSERT INTO "results" VALUES('e58f3356',2,0,'train-2049','ok',4.3403454119683715362e-07,1.10277000000991165507e-04,0.000110677006887272,0);
INSERT INTO "results" VALUES('e58f3356',3,0,'train-2049','ok',9.30955312838932513841e-11,1.30284000000813193764e-04,1.30305008497089147567e-04,0);
INSERT INTO "results" VALUES('186fbba8',0,0,'train/0','ok',0.1,0.25,0.5,8589934592);
INSERT INTO "results" VALUES('186fbba8',1,0,'train/0','ok',1.1,0.25,0.5,8589934592);
INSERT INTO "results" VALUES('186fbba8',2,0,'train/0','ok',2.1,0.25,0.5,8589934592);
INSERT INTO "results" VALUES('186fbba8',3,0,'train/0','ok',3.1,0.25,0.5,8589934592);
INSERT INTO "results" VALUES('186fbba8',4,0,'train/0','ok',4.1,0.25,0.5,8589934592);
INSERT INTO "results" VALUES('186fbba8',5,0,'train/0','ok',5.1,0.25,0.5,8589934592);
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
INSERT INTO "runs" VALUES('e58f3356',1,'757285a401341619d5f51abd37548ed1','function-approximation/exp2','{"cache":"again","equivalence":{"retire_after":0,"takes":0,"tries":3},"evaluations":4.0,"folder":"/problems/exp2","hint":"","models":null,"objectives":[{"direction":"minimize","metric":"max_relative_error"},{"direction":"minimize","metric":"operations"}],"outcome":"top-quarter","patience":null,"policy":"clade","prompts":"","prompts_folder":null,"proposals":80,"replay":null,"seed":4,"start":"baselines","tokens":null,"usd":null,"window":16}',4,'2026-11-30T11:59:50+00:00','2026-11-30T12:00:32+00:00','evaluations',4.23716814379877178015e+01,NULL,'host',1,'1','2026-11-30T12:00:31+00:00');
INSERT INTO "runs" VALUES('186fbba8',2,'v','p','{"seed":1}',-1,'2026-11-30T12:00:35+00:00','2026-11-30T12:00:35+00:00','budget',1.5,NULL,'host',1,'1','2026-11-30T12:00:35+00:00');
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
INSERT INTO "tickets" VALUES('e58f3356',0,'expand','[]','[]','start',NULL,6757505057957178268,NULL,NULL,NULL,NULL);
INSERT INTO "tickets" VALUES('e58f3356',1,'expand','[]','[]','start',NULL,4991953389555656130,NULL,NULL,NULL,NULL);
INSERT INTO "tickets" VALUES('e58f3356',2,'expand','[]','[]','start',NULL,3378367217359326410,NULL,NULL,NULL,NULL);
INSERT INTO "tickets" VALUES('e58f3356',3,'expand','[]','[]','start',NULL,2000618039580545705,NULL,NULL,NULL,NULL);
INSERT INTO "tickets" VALUES('186fbba8',0,'expand','[]','[]','mutate',NULL,0,NULL,NULL,NULL,NULL);
INSERT INTO "tickets" VALUES('186fbba8',1,'expand','["00000000000000000000000000000000"]','[]','mutate',NULL,7919,NULL,NULL,NULL,NULL);
INSERT INTO "tickets" VALUES('186fbba8',2,'expand','["00000000000000000000000000000000"]','[]','mutate',NULL,15838,NULL,NULL,NULL,NULL);
INSERT INTO "tickets" VALUES('186fbba8',3,'expand','["00000000000000000000000000000000"]','[]','mutate',NULL,23757,NULL,NULL,NULL,NULL);
INSERT INTO "tickets" VALUES('186fbba8',4,'expand','["00000000000000000000000000000000"]','[]','mutate',NULL,31676,NULL,NULL,NULL,NULL);
INSERT INTO "tickets" VALUES('186fbba8',5,'expand','["00000000000000000000000000000000"]','[]','mutate',NULL,39595,NULL,NULL,NULL,NULL);
INSERT INTO "tickets" VALUES('186fbba8',6,'expand','["00000000000000000000000000000000"]','[]','write','m',5,2,'"idea: \u00e9 \ud800 \u0000"','["a: b"]',4);
INSERT INTO "tickets" VALUES('186fbba8',7,'measure','[]','[]','check',NULL,8,NULL,NULL,NULL,NULL);
CREATE INDEX final_openings_by_run ON final_openings (run_id);
CREATE INDEX events_by_run ON events (run_id);
CREATE INDEX records_by_program ON records (program_id, run_id, number);
CREATE INDEX edges_by_parent ON edges (parent_id, run_id);
CREATE INDEX equivalences_by_set ON equivalences (evaluation_set, kind);
COMMIT;
