-- Stores a change once; the same change again is the same write again.
-- Where another one that asks for the same waits, or it asks again for what was asked for again, it is not stored.
-- KEYS: change, waiting everywhere, waiting here, recent everywhere, recent here, feed, decisions, all decisions, the change it asks for again
-- ARGV: id, json, digest, environment, time asked (s), feed cap, decision, decisions cap, what it asks for or '',
--       the id of the change it asks for again or ''
local stored = redis.call('HGET', KEYS[1], 'json')
if stored then
  if stored == ARGV[2] then return {'OK'} end
  return {'CONFLICT', 'another change has this id'}
end
if KEYS[9] ~= KEYS[1] then
  local again = redis.call('HGET', KEYS[9], 'again')
  if again then return {'AGAIN', again} end
end
if ARGV[9] ~= '' then
  for _, other in ipairs(redis.call('ZRANGE', KEYS[3], 0, -1)) do
    local key = string.sub(KEYS[1], 1, #KEYS[1] - #ARGV[1]) .. other
    if redis.call('HGET', key, 'asks') == ARGV[9] then return {'SAME', other} end
  end
end
if KEYS[9] ~= KEYS[1] then
  redis.call('HSET', KEYS[9], 'again', ARGV[1])
  redis.call('XADD', KEYS[6], 'MAXLEN', '~', ARGV[6], '*', 'change', ARGV[10])
end
redis.call('HSET', KEYS[1], 'asks', ARGV[9])
redis.call('HSET', KEYS[1], 'json', ARGV[2], 'digest', ARGV[3], 'environment', ARGV[4])
if ARGV[7] ~= '' then
  redis.call('RPUSH', KEYS[7], ARGV[7])
  redis.call('XADD', KEYS[8], 'MAXLEN', '~', ARGV[8], '*', 'decision', ARGV[7])
end
for key = 2, 5 do redis.call('ZADD', KEYS[key], ARGV[5], ARGV[1]) end
redis.call('XADD', KEYS[6], 'MAXLEN', '~', ARGV[6], '*', 'change', ARGV[1])
return {'OK'}
