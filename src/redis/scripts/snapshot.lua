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
--           conversations are wanted at most; then for each tier two: first's
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
--   CONVERSATIONS  {H, TIER, CLOCK, SINCE, DUE, STATE} each: the name of the
--                  tier, first or next, the time, the reading of the deadline
--                  or -1, and overdue, at_risk, waiting or paused.  They come
--                  in the order of these states, those of all lanes together:
--                  the nearest deadline first, of the paused the oldest
--   HASHES         of the day, the hour, and the further keys, in order, names
--                  and values by turns
--   KEY            the field "key" of P:sla:m, or nothing
--


local c, call = clocks(1), redis.call
local now = tonumber(ARGV[c.rest])

c.b = c.rest + 1

local wanted, risks = tonumber(ARGV[c.b + c.n]), c.b + c.n + 1
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


-- Those of a lane in KEYS[lane.k + set] whose deadline is in a range, as a run:
-- names and scores by turns, at i the next one, and what is to be taken from
-- the scores of this lane before they are compared with those of others.

local function run(runs, lane, set, from, to)
    local rows = call('ZRANGEBYSCORE', KEYS[lane.k + set], from, to,
                      'WITHSCORES', 'LIMIT', 0, wanted - #conversations)

    lane.found = lane.found + #rows / 2

    if rows[1] then
        runs[#runs + 1] = { rows = rows, i = 1, lane = lane, from = lane.b }
    end
end


-- Those of a lane that wait and are in none of the other sets: all that are
-- have been listed.

local function run_paused(runs, lane)
    local rows = call('ZRANGE', KEYS[lane.k], 0,
                      wanted - #conversations + lane.found - 1, 'WITHSCORES')
    local listed, rest = {}, {}

    for _, row in ipairs(conversations) do
        listed[row[1]] = true
    end

    for i = 1, #rows, 2 do
        if not listed[rows[i]] then
            rest[#rest + 1] = rows[i]
            rest[#rest + 1] = rows[i + 1]
        end
    end

    if rest[1] then
        runs[#runs + 1] = { rows = rest, i = 1, lane = lane, from = 0 }
    end
end


-- Takes the first of all runs.

local function next_of(runs)
    local first, least = 1

    for r = #runs > 1 and 1 or 2, #runs do
        local x = runs[r]
        local member, score = x.rows[x.i], x.rows[x.i + 1] - x.from

        if not least or score < least
           or score == least and member < runs[first].rows[runs[first].i]
        then
            first, least = r, score
        end
    end

    local x = runs[first]
    local member, score = x.rows[x.i], tonumber(x.rows[x.i + 1])

    x.i = x.i + 2

    if not x.rows[x.i] then
        table.remove(runs, first)
    end

    return x.lane, member, score
end


local function list(runs, state)
    while runs[1] and #conversations < wanted do
        local lane, member, score = next_of(runs)
        local due, since = score, score

        if state == 'paused' then
            due = -1
        else
            since = tonumber(call('ZSCORE', KEYS[lane.k], member) or nil)
        end

        if since then
            conversations[#conversations + 1] = {
                member, lane.name, lane.clock, since, due, state
            }
        end
    end
end


local function list_all(all)
    local late, near, rest, paused = {}, {}, {}, {}

    for _, lane in ipairs(all) do
        run(late, lane, 3, '-inf', '+inf')
        run(late, lane, 2, '-inf', '(' .. lane.b)
        run(late, lane, 1, '-inf', '(' .. lane.b)
    end

    list(late, 'overdue')

    for _, lane in ipairs(all) do
        run(near, lane, 2, lane.b, '+inf')
        run(near, lane, 1, lane.b, lane.b + lane.risk)
    end

    list(near, 'at_risk')

    for _, lane in ipairs(all) do
        run(rest, lane, 1, '(' .. lane.b + lane.risk, '+inf')
    end

    list(rest, 'waiting')

    for _, lane in ipairs(all) do
        if lane.paused > 0 and #conversations < wanted then
            run_paused(paused, lane)
        end
    end

    list(paused, 'paused')
end


local all = {}

for t = 0, c.n - 1 do
    local b, name = reading(c, t), ARGV[c.tiers + 4 * t]

    for f = 0, 1 do
        local k, risk = 6 + (2 * t + f) * 5, tonumber(ARGV[risks + 2 * t + f])
        local row = show(k, b, risk)

        lanes[#lanes + 1] = row

        -- most are empty
        if row[1] > 0 then
            all[#all + 1] = {
                k = k, b = b, risk = risk, name = name,
                clock = f == 0 and 'first' or 'next', paused = row[4],
                found = 0
            }
        end
    end
end

if wanted > 0 then
    list_all(all)
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

    elseif string.sub(metrics[i - 1], 1, 3) ~= 'at:' then
        rev = rev + (tonumber(metrics[i]) or 0)
    end
end

metrics[#metrics + 1] = 'rev'
metrics[#metrics + 1] = string.format('%.0f', rev)

return { metrics, lanes, conversations, hashes, key }
