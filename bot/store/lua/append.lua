-- Writes entries as numbers seq+1… of a run's journal, all or none, once; the last entry unlocks the environment.
-- The fence goes first: a walker that was replaced is told so even where its entries did arrive.
-- KEYS: journal, change, open, fences, feed, holders, lease
-- ARGV: run, seq, fence or '', '1' where the entries end the run, feed cap, entries…
local environment = redis.call('HGET', KEYS[2], 'environment')
local length = redis.call('LLEN', KEYS[1])
if not environment or length == 0 then return {'MISSING'} end
if ARGV[3] ~= '' then
  local fence = redis.call('HGET', KEYS[4], environment) or '0'
  if tonumber(fence) ~= tonumber(ARGV[3]) then return {'FENCED', fence} end
end

local first, count = 6, #ARGV - 5
local seq = tonumber(ARGV[2])
local written = redis.call('LRANGE', KEYS[1], seq, seq + count - 1)
local same = #written == count
for n = 1, count do same = same and written[n] == ARGV[first + n - 1] end
if same then return {'OK'} end

if length ~= seq then return {'CONFLICT', 'the journal has ' .. length .. ' entries, not ' .. seq} end
if redis.call('HGET', KEYS[3], environment) ~= ARGV[1] then return {'CONFLICT', 'the run has ended'} end
for n = first, #ARGV do redis.call('RPUSH', KEYS[1], ARGV[n]) end
if ARGV[4] == '1' then
  redis.call('HDEL', KEYS[3], environment)
  redis.call('HDEL', KEYS[6], ARGV[1])
  redis.call('DEL', KEYS[7])
end
redis.call('XADD', KEYS[5], 'MAXLEN', '~', ARGV[5], '*', 'change', ARGV[1])
return {'OK'}
