-- Takes or renews the lease of an open run; another instance's live lease is left alone.
-- KEYS: lease, holders, open, change   ARGV: run, instance, milliseconds
local environment = redis.call('HGET', KEYS[4], 'environment')
if not environment or redis.call('HGET', KEYS[3], environment) ~= ARGV[1] then return {'ENDED'} end
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[2] then return {'HELD', holder} end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
return {'OK'}
