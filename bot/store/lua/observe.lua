-- Writes how an environment was after a run has ended, as the one entry that may follow its end, once.
-- KEYS: journal, feed   ARGV: run, how many entries there were, entry, feed cap
local length = redis.call('LLEN', KEYS[1])
if length == 0 then return {'MISSING'} end
if redis.call('LINDEX', KEYS[1], ARGV[2]) == ARGV[3] then return {'OK'} end
if length ~= tonumber(ARGV[2]) then return {'CONFLICT', 'it was observed already'} end
redis.call('RPUSH', KEYS[1], ARGV[3])
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[4], '*', 'change', ARGV[1])
return {'OK'}
