--
-- Copyright (C) nginx-intake contributors
--
-- What the clocks of a source show.  Writes nothing, and is right whether
-- somebody sweeps or not.
--
-- Parts: clock
--
-- KEYS      those at the top of parts/clock.lua, the first being the stream;
--           then the keys of more days and hours that are wanted.  Those that
--           are over do not change any more
--
-- ARGV      CONF; the time; the readings of the tiers' clocks; how many
--           conversations of a lane are wanted; then for each tier two: first's
--           and next's number of ms before the deadline at which a wait is at
--           risk
--
-- Returns {METRICS, LANES, CONVERSATIONS, HASHES, KEY}
--
--   METRICS        names and values of P:sla:m, by turns, and last "rev", which
--                  has grown if any of them has
--   LANES          for first and next of each tier in order: {WAITING, AT_RISK,
--                  OVERDUE, PAUSED, OLDEST, DUE, and five bands of age: less
--                  than 30 minutes, 1 hour, 4 hours, 24 hours, and more}.
--                  OLDEST is a time, 0: none.  DUE is the reading of the next
--                  deadline that has not passed, -1: none
--   CONVERSATIONS  {H, TIER, CLOCK, SINCE, DUE, STATE} each, the oldest of
--                  each lane first: the name of the tier, first or next, the
--                  time, the reading of the deadline or -1, and waiting,
--                  at_risk, overdue or paused
--   HASHES         of the day, the hour, and the further keys, in order, names
--                  and values by turns
--
--   KEY            the field "key" of P:sla:m, or nothing


local c, call = clocks(1), redis.call
local now = tonumber(ARGV[c.rest])

c.b = c.rest + 1

local wanted, risks = ARGV[c.b + c.n], c.b + c.n + 1
local lanes, conversations, hashes, key = {}, {}, {}, ''


local function next_due(k, b)
    local due = -1

    for i = k + 1, k + 2 do
        local row = call('ZRANGEBYSCORE', KEYS[i], b, '+inf', 'WITHSCORES',
                         'LIMIT', 0, 1)

        if row[1] and (due < 0 or tonumber(row[2]) < due) then
            due = tonumber(row[2])
        end
    end

    return due
end


local function show(k, b, risk)
    local beyond, warned = '(' .. b, b + risk
    local waiting, late = call('ZCARD', KEYS[k]), call('ZCARD', KEYS[k + 3])
    local armed = late + call('ZCARD', KEYS[k + 1]) + call('ZCARD', KEYS[k + 2])
    local oldest = call('ZRANGE', KEYS[k], 0, 0, 'WITHSCORES')

    local row = {
        waiting,
        call('ZCOUNT', KEYS[k + 1], b, warned)
            + call('ZCOUNT', KEYS[k + 2], b, '+inf'),
        late + call('ZCOUNT', KEYS[k + 1], '-inf', beyond)
            + call('ZCOUNT', KEYS[k + 2], '-inf', beyond),
        math.max(0, waiting - armed),
        tonumber(oldest[2]) or 0,
        next_due(k, b)
    }

    -- everybody, less who is older
    local left = waiting

    for _, age in ipairs({ 1800000, 3600000, 14400000, 86400000 }) do
        local older = waiting > 0
                      and call('ZCOUNT', KEYS[k], '-inf', now - age) or 0

        row[#row + 1] = left - older
        left = older
    end

    row[#row + 1] = left

    return row
end


local function list(k, name, clock, b, risk)
    local rows = call('ZRANGE', KEYS[k], 0, wanted - 1, 'WITHSCORES')

    for i = 1, #rows, 2 do
        local due, state = false, 'paused'

        for set = 3, 1, -1 do
            due = due or tonumber(call('ZSCORE', KEYS[k + set], rows[i])
                                  or nil)

            if due and state == 'paused' then
                state = (set == 3 or due < b) and 'overdue'
                        or (set == 2 or due <= b + risk) and 'at_risk'
                        or 'waiting'
            end
        end

        conversations[#conversations + 1] = {
            rows[i], name, clock, tonumber(rows[i + 1]), due or -1, state
        }
    end
end


for t = 0, c.n - 1 do
    local b, name = reading(c, t), ARGV[c.tiers + 4 * t]

    for f = 0, 1 do
        local k, risk = 6 + (2 * t + f) * 5, tonumber(ARGV[risks + 2 * t + f])

        lanes[#lanes + 1] = show(k, b, risk)

        if wanted ~= '0' then
            list(k, name, f == 0 and 'first' or 'next', b, risk)
        end
    end
end

for i, name in ipairs(KEYS) do
    if i == 3 or i == 4 or i >= c.keys then
        hashes[#hashes + 1] = call('HGETALL', name)
    end
end

-- counters never go back, nor does their sum

local metrics, rev = call('HGETALL', KEYS[2]), 0

for i = 2, #metrics, 2 do
    if metrics[i - 1] == 'key' then
        key = metrics[i]
    else
        rev = rev + (tonumber(metrics[i]) or 0)
    end
end

metrics[#metrics + 1] = 'rev'
metrics[#metrics + 1] = string.format('%.0f', rev)

return { metrics, lanes, conversations, hashes, key }
