-- A change waits no longer; with a refusal it is also written why, once, and only while nothing was started.
-- KEYS: change, journal, waiting everywhere, waiting here, feed, decisions, all decisions
-- ARGV: id, refusal json or '', feed cap, decision, decisions cap
if redis.call('EXISTS', KEYS[1]) == 0 then return {'MISSING'} end
if ARGV[2] ~= '' then
  if redis.call('EXISTS', KEYS[2]) == 1 then return {'STARTED'} end
  if redis.call('HSETNX', KEYS[1], 'refused', ARGV[2]) == 1 and ARGV[4] ~= '' then
    redis.call('RPUSH', KEYS[6], ARGV[4])
    redis.call('XADD', KEYS[7], 'MAXLEN', '~', ARGV[5], '*', 'decision', ARGV[4])
  end
end
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('ZREM', KEYS[4], ARGV[1])
redis.call('XADD', KEYS[5], 'MAXLEN', '~', ARGV[3], '*', 'change', ARGV[1])
return {'OK'}
