-- Takes out of a stream what is older than its age.
--
-- KEYS[1]  the stream
-- ARGV[1]  the age in milliseconds
--
-- Entry ids are readings of this server's clock, hence TIME.  Returns how
-- many entries were taken out; a key that does not exist has none.

local time = redis.call('TIME')
local oldest = time[1] * 1000 + math.floor(time[2] / 1000) - ARGV[1]

return redis.call('XTRIM', KEYS[1], 'MINID', '=',
                  string.format('%.0f', oldest))
