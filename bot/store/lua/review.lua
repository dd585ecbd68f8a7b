-- Closes the after-review of an emergency, once; the same review again is the same write again.
-- KEYS: change, reviews that are open, feed, decisions, all decisions
-- ARGV: id, json, feed cap, decision, decisions cap
local known = redis.call('HGET', KEYS[1], 'review')
if known == ARGV[2] then return {'OK'} end
if known then return {'CONFLICT', 'it was reviewed already'} end
if redis.call('EXISTS', KEYS[1]) == 0 then return {'MISSING'} end
redis.call('HSET', KEYS[1], 'review', ARGV[2])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('RPUSH', KEYS[4], ARGV[4])
redis.call('XADD', KEYS[5], 'MAXLEN', '~', ARGV[5], '*', 'decision', ARGV[4])
redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[3], '*', 'change', ARGV[1])
return {'OK'}
