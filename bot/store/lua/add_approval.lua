-- Adds an approval as number rev+1, unless somebody was first or the change no longer waits.
-- KEYS: change, approvals, journal, feed, decisions, all decisions
-- ARGV: id, json, rev, 'reject' where it is a rejection of the change's own digest, feed cap, decision,
--       decisions cap
if redis.call('EXISTS', KEYS[1]) == 0 then return {'MISSING'} end
local rev = tonumber(ARGV[3])
if redis.call('LINDEX', KEYS[2], rev) == ARGV[2] then return {'OK'} end
if redis.call('LLEN', KEYS[2]) ~= rev then return {'CONFLICT', 'another approval was first'} end
if redis.call('EXISTS', KEYS[3]) == 1 then return {'CONFLICT', 'it was started already'} end
if redis.call('HEXISTS', KEYS[1], 'refused') == 1 then return {'CONFLICT', 'it was refused already'} end
redis.call('RPUSH', KEYS[2], ARGV[2])
if ARGV[6] ~= '' then
  redis.call('RPUSH', KEYS[5], ARGV[6])
  redis.call('XADD', KEYS[6], 'MAXLEN', '~', ARGV[7], '*', 'decision', ARGV[6])
end
if ARGV[4] == 'reject' then redis.call('HSET', KEYS[1], 'rejected', '1') end
redis.call('XADD', KEYS[4], 'MAXLEN', '~', ARGV[5], '*', 'change', ARGV[1])
return {'OK'}
