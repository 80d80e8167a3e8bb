CREATE TABLE IF NOT EXISTS effects (id serial PRIMARY KEY, call_id text NOT NULL, what text NOT NULL);
CREATE TABLE IF NOT EXISTS seen (call_id text PRIMARY KEY);
CREATE TABLE IF NOT EXISTS jobs (call_id text PRIMARY KEY, done boolean NOT NULL DEFAULT false, leased_until timestamptz NOT NULL DEFAULT '-infinity');
CREATE TABLE IF NOT EXISTS outbox (call_id text PRIMARY KEY, sent boolean NOT NULL DEFAULT false);
