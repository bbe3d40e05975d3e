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
--           most that are closed in a call
--
-- Returns {CLOSED, MORE}: their number, and 1 if there may be more.
--


local c, closed, more = clocks(1), 0, 0
local te = tonumber(ARGV[c.rest])

c.b = c.rest + 1

local before, limit = ARGV[c.b + c.n], tonumber(ARGV[c.b + c.n + 1])

if not (te and tonumber(before) and limit) then
    return redis.error_reply('ERR not a number')
end

-- who would still wait after that would be found for ever
if tonumber(before) > te then
    return redis.error_reply('ERR before is after the time')
end

for k = 6, c.keys - 1, 5 do
    local members = redis.call('ZRANGEBYSCORE', KEYS[k], '-inf', '(' .. before,
                               'LIMIT', 0, limit - closed)

    for _, member in ipairs(members) do
        local v = read(c, c.prefix .. 'c:' .. member)

        count(c, 'ev:close')
        close(c, v, te)

        if v.P[1] then
            disarm(c, v)
            arm(c, v)
        end

        if v.ref then
            save(c, v)
        end

        closed = closed + 1
    end

    if closed >= limit then
        more = 1
        break
    end
end

flush(c)

return { closed, more }
