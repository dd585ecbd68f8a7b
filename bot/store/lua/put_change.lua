-- Stores a change once; the same change again is the same write again.
-- KEYS: change, waiting everywhere, waiting here, recent everywhere, recent here, feed
-- ARGV: id, json, digest, environment, time asked (s), feed cap
local stored = redis.call('HGET', KEYS[1], 'json')
if stored then
  if stored == ARGV[2] then return {'OK'} end
  return {'CONFLICT', 'another change has this id'}
end
redis.call('HSET', KEYS[1], 'json', ARGV[2], 'digest', ARGV[3], 'environment', ARGV[4])
for key = 2, 5 do redis.call('ZADD', KEYS[key], ARGV[5], ARGV[1]) end
redis.call('XADD', KEYS[6], 'MAXLEN', '~', ARGV[6], '*', 'change', ARGV[1])
return {'OK'}
