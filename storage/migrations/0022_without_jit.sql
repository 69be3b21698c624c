-- migrate:up
-- Our statements are long and their results small: compiling one takes the server a second where
-- running it takes milliseconds, and it compiles anew each time. The wheel has no compiler; Debian's
-- packages and TimescaleDB's images have, and use it unless told otherwise. Only the owner of a
-- database may tell it so; `jieyong doctor` names what is left to do.
DO $$
BEGIN
    EXECUTE format('ALTER DATABASE %I SET jit = off', current_database());
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'jit stays on: this role does not own the database';
END
$$;
