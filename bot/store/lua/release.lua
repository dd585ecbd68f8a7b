-- Deletes a key that still says what the caller wrote there.
-- KEYS: key   ARGV: value
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return {'OK'}
