-- Run by a superuser in the database `septet`: the owner of the schemas, and one login role for each service.
-- Idempotent. It needs no client but one that sends SQL, so passwords come as session settings
-- `septet_password.<role>` (PGOPTIONS="-c septet_password.cache=..."); a role that has none keeps its own.
--
-- The owner is no superuser: it makes schemas, tables and policies (python -m septet_kit.migrate). A service's role
-- owns nothing; migrations grant it the rows of its own tables. Neither bypasses row-level security on what
-- it does not own.
CREATE EXTENSION IF NOT EXISTS vector WITH SCHEMA public;

DO $$
DECLARE
    role text;
    secret text;
BEGIN
    FOREACH role IN ARRAY ARRAY['septet', 'guardrails', 'cache', 'retrieval', 'generation', 'eval', 'feedback', 'judge', 'gateway'] LOOP
        secret := nullif(current_setting('septet_password.' || role, true), '');
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
            IF secret IS NULL THEN
                RAISE EXCEPTION 'there is no role % and no password to make it with', role
                    USING HINT = format('set septet_password.%s, or the variable that init.sh reads', role);
            END IF;
            EXECUTE format('CREATE ROLE %I', role);
        END IF;
        IF role <> current_user THEN
            EXECUTE format('ALTER ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS', role);
        END IF;
        IF secret IS NOT NULL THEN
            EXECUTE format('ALTER ROLE %I PASSWORD %L', role, secret);
        END IF;
    END LOOP;
    EXECUTE format('ALTER DATABASE %I OWNER TO septet', current_database());
    -- No temporary tables either: a service runs no DDL at all.
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format(
        'GRANT CONNECT ON DATABASE %I TO guardrails, cache, retrieval, generation, eval, feedback, judge, gateway', current_database()
    );
END $$;

REVOKE CREATE ON SCHEMA public FROM PUBLIC;
