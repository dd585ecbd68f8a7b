-- Notes one use of what Slack limits over a time, so that the next who uses it knows; by Redis' clock, of which there is one.
-- KEYS: uses   ARGV: token of this one use, milliseconds for which it counts
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
redis.call('ZADD', KEYS[1], 'NX', now, ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return {'OK'}
