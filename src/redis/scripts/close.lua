--
-- Copyright (C) nginx-intake contributors
--
-- Closes the conversations of a source that have waited since before a time.
--
-- Parts: clock pause wait
--
-- KEYS      those at the top of parts/clock.lua, the first being the stream
--
-- ARGV      CONF; the time at which they are closed; the readings of the
--           tiers' clocks at that time; the time before which the oldest
--           unanswered message is, which is not later than the first; the
--           most that are looked at in a call
--
-- Returns {CLOSED, MORE}: their number, and 1 if there may be more.  Those
-- whose key is gone, or says that they do not wait since then, are none of
-- them: their places in the sets are put right.
--


local c, closed, more = clocks(1), 0, 0
local te = tonumber(ARGV[c.rest])

c.b = c.rest + 1

local before, left = tonumber(ARGV[c.b + c.n]), tonumber(ARGV[c.b + c.n + 1])

if not (te and before and left) then
    return redis.error_reply('ERR not a number')
end

-- who would still wait after that would be found for ever
if before > te then
    return redis.error_reply('ERR before is after the time')
end

for k = 6, c.keys - 1, 5 do
    local members = redis.call('ZRANGEBYSCORE', KEYS[k], '-inf',
                               '(' .. ARGV[c.b + c.n], 'LIMIT', 0, left)

    for _, member in ipairs(members) do
        local v = read(c, c.prefix .. 'c:' .. member)

        if v.P[1] and v.P[1] < before then
            count(c, 'ev:close')
            close(c, v, te)
            save(c, v)
            closed = closed + 1

        else
            disarm(c, v)

            if v.P[1] then
                arm(c, v)
                save(c, v)
            end
        end
    end

    left = left - #members

    if left <= 0 then
        more = 1
        break
    end
end

flush(c)

return { closed, more }
