-- Moves a change's thread on from `expect` to `n`; `token` names this one call, so that its repeat is answered alike.
-- KEYS: change   ARGV: n, expect, token
local found = redis.call('HMGET', KEYS[1], 'thread', 'threader')
if found[1] == ARGV[1] and found[2] == ARGV[3] then return {'OK'} end
if (found[1] or '0') ~= ARGV[2] then return {'CONFLICT', 'another bot was first'} end
redis.call('HSET', KEYS[1], 'thread', ARGV[1], 'threader', ARGV[3])
return {'OK'}
