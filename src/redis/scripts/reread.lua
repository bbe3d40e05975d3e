--
-- Copyright (C) nginx-intake contributors
--
-- Gives conversations in which somebody waits the readings of a calendar that
-- has changed.
--
-- Parts: clock pause wait
--
-- KEYS      those at the top of parts/clock.lua, the first being the stream;
--           then the conversations'
--
-- ARGV      CONF; the readings of the tiers' clocks now; for each tier the
--           text that stands for its calendar, or nothing if that is not
--           changed, and then two: first's and next's number of ms before the
--           deadline at which a wait is at risk; then for each conversation:
--           the reading at the time at which its clock was paused, by the
--           clock of its oldest message's tier, or -1; the number of its
--           messages; and four for each of them, oldest first: its time, the
--           number of its tier, the reading at that time, and extra as in
--           MESSAGE
--
-- Messages that came in since then keep what they have.  A breach that was
-- counted and is none any more is retracted, and who is at risk no longer will
-- be told of anew.  Returns the number of those that were written; -1, and
-- nothing was, if another text stands there: then somebody else does this by
-- other clocks.
--


local c, written = clocks(1), 0

c.b = c.rest

local texts = c.b + c.n
local risks = texts + c.n

for i = c.b, #ARGV do
    if not tonumber(ARGV[i]) and (i < texts or i >= risks) then
        return redis.error_reply('ERR not a number')
    end
end

for t = 0, c.n - 1 do
    local text = ARGV[texts + t]

    if text ~= '' and redis.call('HGET', KEYS[2], 'cal:'
                                 .. ARGV[c.tiers + 4 * t]) ~= text
    then
        return -1
    end
end


local function rewrite(v, a)
    local P, j, last = v.P, a + 2, a + 1 + 4 * ARGV[a + 1]

    -- both are in order
    for i = 1, #P, 5 do
        while j < last and tonumber(ARGV[j]) < P[i] do
            j = j + 4
        end

        if j < last and tonumber(ARGV[j]) == P[i] then
            P[i + 1] = tonumber(ARGV[j + 2])
            P[i + 2] = tonumber(ARGV[j + 3])
            P[i + 4] = ARGV[c.tiers + 4 * ARGV[j + 1]]
            j = j + 4
        end
    end

    disarm(c, v)
    find_tier(c, v)

    -- the pauses were read on the clock of before
    if v.a and ARGV[a] ~= '-1' then
        v.a = math.max(P[2], tonumber(ARGV[a]))
    end

    hold(v, math.max(P[#P - 4], v.Z[#v.Z - 2] or 0), { [P[5]] = v.a })

    local due, b = deadline(c, v), reading(c, v.t)

    if v.s == 2 and not v.a and due >= b then
        v.s = 1
        count_lane(c, 'retract:' .. (v.strange or P[5])
                      .. (v.f == 0 and ':first' or ':next'))
        note(v, 'retracted', due)
    end

    if v.s == 1 and due > (v.a or b) + ARGV[risks + 2 * v.t + v.f] then
        v.s = 0
    end

    arm(c, v)
    save(c, v)
end


local a = risks + 2 * c.n

for k = c.keys, #KEYS do
    local v = read(c, KEYS[k])

    if v.P[1] then
        rewrite(v, a)
        written = written + 1
    end

    a = a + 2 + 4 * ARGV[a + 1]
end

flush(c)

return written
