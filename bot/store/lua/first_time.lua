-- True for one caller per key and time; `token` names this one call, so that its repeat is answered alike.
-- KEYS: key   ARGV: token, milliseconds
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return {'OK'} end
if redis.call('GET', KEYS[1]) == ARGV[1] then return {'OK'} end
return {'KNOWN'}
