-- Keeps the newest of one kind of evidence of a change; whoever shows the change looks again where it says another thing.
-- KEYS: evidence, change, feed   ARGV: id, name, json, when it was read (s), what it says, feed cap
if redis.call('EXISTS', KEYS[2]) == 0 then return {'MISSING'} end
local at, said = unpack(redis.call('HMGET', KEYS[1], ARGV[2] .. ':at', ARGV[2] .. ':said'))
if at and tonumber(at) > tonumber(ARGV[4]) then return {'OK'} end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3], ARGV[2] .. ':at', ARGV[4], ARGV[2] .. ':said', ARGV[5])
if said ~= ARGV[5] then redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[6], '*', 'change', ARGV[1]) end
return {'OK'}
