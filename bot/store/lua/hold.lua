-- Writes a key with an expiry where it is free, says this already, or says what the caller knows to be stale.
-- KEYS: key   ARGV: value, milliseconds, stale value or ''
local now = redis.call('GET', KEYS[1])
if now and now ~= ARGV[1] and now ~= ARGV[3] then return {'HELD', now} end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return {'OK'}
