-- Writes what was decided of a change, once: the same text among the newest is the same write again.
-- What only tells of a click that came to nothing is left out where there is more of it than anybody reads.
-- KEYS: decisions of the change, decisions of all
-- ARGV: json, '1' where it may be left out, most entries of a change, cap of all
for _, known in ipairs(redis.call('LRANGE', KEYS[1], -20, -1)) do
  if known == ARGV[1] then return {'OK'} end
end
local full = ARGV[2] == '1' and redis.call('LLEN', KEYS[1]) >= tonumber(ARGV[3])
if not full then redis.call('RPUSH', KEYS[1], ARGV[1]) end
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[4], '*', 'decision', ARGV[1])
return {'OK'}
