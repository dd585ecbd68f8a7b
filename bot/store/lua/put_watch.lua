-- Writes an environment's watch where it still says what the caller has read; its repeat is known.
-- KEYS: watch, feed   ARGV: what was read or '', json, the change to touch or '', feed cap
local now = redis.call('GET', KEYS[1]) or ''
if now == ARGV[2] then return {'OK'} end
if now ~= ARGV[1] then return {'CONFLICT', 'another bot has looked'} end
redis.call('SET', KEYS[1], ARGV[2])
if ARGV[3] ~= '' then redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[4], '*', 'change', ARGV[3]) end
return {'OK'}
