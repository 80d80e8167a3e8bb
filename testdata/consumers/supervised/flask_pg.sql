CREATE TABLE IF NOT EXISTS effects (id serial PRIMARY KEY, call_id text NOT NULL, what text NOT NULL);
CREATE TABLE IF NOT EXISTS seen (call_id text PRIMARY KEY);
