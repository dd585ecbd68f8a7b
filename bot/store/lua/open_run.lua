-- Begins a run: compares the approved digest, locks the environment and writes entry 1, all or nothing.
-- `token` names this one call, so that a repeat after a lost answer is known from a second opener.
-- An emergency has to be reviewed from now on, whatever becomes of the run.
-- KEYS: change, journal, open, waiting everywhere, waiting here, feed, decisions, all decisions, reviews that are open
-- ARGV: id, environment, digest, entry, token, feed cap, decision, decisions cap, when it was opened (s) where it has to
--       be reviewed, else ''
local found = redis.call('HMGET', KEYS[1], 'digest', 'refused', 'rejected', 'opener')
if not found[1] then return {'MISSING'} end
if found[4] == ARGV[5] then return {'OK'} end
if redis.call('EXISTS', KEYS[2]) == 1 then return {'CONFLICT', 'it was started already'} end
if found[1] ~= ARGV[3] then return {'CONFLICT', 'another digest was approved'} end
if found[2] or found[3] then return {'CONFLICT', 'it was refused already'} end
local other = redis.call('HGET', KEYS[3], ARGV[2])
if other then return {'OCCUPIED', other} end
redis.call('HSET', KEYS[1], 'opener', ARGV[5])
redis.call('HSET', KEYS[3], ARGV[2], ARGV[1])
redis.call('RPUSH', KEYS[2], ARGV[4])
if ARGV[7] ~= '' then
  redis.call('RPUSH', KEYS[7], ARGV[7])
  redis.call('XADD', KEYS[8], 'MAXLEN', '~', ARGV[8], '*', 'decision', ARGV[7])
end
if ARGV[9] ~= '' then redis.call('ZADD', KEYS[9], ARGV[9], ARGV[1]) end
redis.call('ZREM', KEYS[4], ARGV[1])
redis.call('ZREM', KEYS[5], ARGV[1])
redis.call('XADD', KEYS[6], 'MAXLEN', '~', ARGV[6], '*', 'change', ARGV[1])
return {'OK'}
