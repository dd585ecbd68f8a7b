-- Somebody opened their Home: the tail hears of it, and it is kept up to date for a while. Repeating it is harmless.
-- KEYS: homes, opened   ARGV: reader, hash, 'keep' or '', milliseconds, most readers, most notices
if ARGV[3] == 'keep' then
  local now = tonumber(redis.call('TIME')[1])
  redis.call('ZADD', KEYS[1], now, ARGV[1])
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[4] / 1000)
  redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -1 - ARGV[5])
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
end
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[6], '*', 'reader', ARGV[1], 'hash', ARGV[2])
redis.call('PEXPIRE', KEYS[2], ARGV[4])
return {'OK'}
