--
-- Copyright (C) nginx-intake contributors
--
-- The response clocks of one source.  Times are milliseconds since 1970.  How
-- long somebody has waited is the difference of two readings of a tier's
-- business clock, a deadline is a reading too, and readings come from the
-- caller: nothing here knows a calendar.
--
-- KEYS[1]   a stream, by the script
-- KEYS[2]   P:sla:m, counters
-- KEYS[3]   P:sla:d:DATE, those of the day (UTC)
-- KEYS[4]   P:sla:d:DATE:HH, those of the hour (UTC)
-- KEYS[5]   P:sla:x, a list of events whose entry in the stream of
--           escalations is not written yet: sweep.lua does, which is told the
--           time of day of a deadline
-- KEYS[6]   from here on five sorted sets of conversations for each lane, the
--           lanes of a tier being "TIER:first" and "TIER:next":
--
--           P:sla:wait:LANE   who waits, by the time of the oldest message
--           P:sla:ok:LANE     by the deadline's reading, until it is at risk
--           P:sla:risk:LANE   by the same, until it is late
--           P:sla:late:LANE   by the same, its breach is counted
--           P:sla:step:LANE   by the reading of the next step of escalation
--
--           A conversation that waits is in wait and, unless it is paused, in
--           one of ok, risk and late, and in step if a step is left.
--
-- CONF is 4 arguments and 4 more for each tier.  The first tier takes over the
-- conversations of those that are not configured any more: sweep.lua finds
-- these, and who waits in them is read anew, on its clock.
--
--   tiers     their number, 1 to 4
--   forget    ms after which a conversation is forgotten
--   ttl       of the marks of ids, in ms; those of events live as long as the
--             conversation may, "forget"
--   bounds    of the histograms, in ms, ascending, with spaces between them
--
--   name first next steps
--             a tier, the targets of its two lanes in ms, and the times in ms
--             from the start of a wait to each step of escalation, ascending,
--             with spaces between them, or nothing
--
-- MESSAGE is 6 arguments and a reading for each tier:
--
--   kind      inbound, outbound, auto, note, reaction, pause, resume, close
--   time      of the event
--   tier      number of the tier that it comes in under, 0 is the first
--   has       the sum of: 1 the key of its id follows in KEYS; 2 the key of
--             its event follows; 4 its time was ahead of the clock here, or a
--             customer's longer ago than "forget", and is that of its arrival,
--             which is counted
--   ref       the conversation as people know it
--   extra     ms that this message adds to the target: nobody was there
--   B...      readings of the tiers' clocks at that time
--
-- The key of a conversation is P:sla:c:H, that of an id or an event P:sla:e:H.
-- Its H, the last 22 bytes, is the conversation's member in the sets.  Keys
-- are declared where the call knows them; keys of conversations found in the
-- sets are made of the same prefix, hence of the same slot.
--
-- P:sla:c:H is a string that packs (MessagePack), in order:
--
--   ref, or false: nobody has written yet
--   P   the unanswered messages, oldest first, at most 16: time, reading,
--       extra, id, tier of each
--   l   time of the latest answer or close, or nil
--   r   1: a wait has been answered
--   f   lane of the wait: 0 first, 1 next
--   s   what has been told of the wait: 1 at risk, 2 late
--   n   ms from the start of the wait to the last step of escalation that has
--       been told, -1: none
--   a   reading at which the clock was paused, or nil; w the time
--   w
--   b   ms that it was paused before
--   O   while r is 0, answers that answered nothing, at most 16: time,
--       {tier = reading} of each, or nil
--   Z   pauses since l, or nil: what a, w and b are reckoned from, in whatever
--       order they come; by time, at most 32, each of them time, what, more:
--       1, a pause, or 0, the end of one, and {tier = reading}; or 2, what was
--       reckoned up to that time and stays, {b, w, {tier = reading} at w}
--
--   A message ends the pause before it, and is among Z where its own readings
--   do not say enough.
--
-- It lives for ever while P is not empty, else "forget" from the last message
-- on; without ref as long as a mark.
--
-- Counters: ev:KIND; an:duplicate, an:overtaken, an:orphan_reply and
-- an:clock_skew; of a lane met:LANE, breach:LANE, retract:LANE, closed:LANE;
-- hw:LANE:BOUND and hb:LANE:BOUND, the waits by the wall and by the business
-- clock which were not longer than BOUND but than the bound before it (inf:
-- longer than all), with their sums hw:LANE:sum and hb:LANE:sum.  The counters
-- of lanes without the sums are in the hashes of the day and the hour too.
-- P:sla:m has also cal:TIER, which calendar the readings of a tier are of, or
-- nothing once the tier is gone; at:TIER, when it was swept, to a minute; and
-- key, a random text with which conversations are hashed where people read.
--


-- What a call shares; CONF begins at ARGV[a].

local function clocks(a)
    local n = tonumber(ARGV[a])

    return {
        n = n,
        forget = tonumber(ARGV[a + 1]),
        ttl = tonumber(ARGV[a + 2]),
        bounds = ARGV[a + 3],
        tiers = a + 4,                      -- in ARGV
        rest = a + 4 + 4 * n,               -- in ARGV, what follows CONF
        keys = 6 + 10 * n,                  -- in KEYS, what follows the lanes
        prefix = string.sub(KEYS[2], 1, -2),
        b = 0,                              -- in ARGV, the readings in use
        counts = {},
        windows = {},
        marks = {},
        marked = {}
    }
end


local function count(c, name)
    c.counts[name] = (c.counts[name] or 0) + 1
end


local function count_lane(c, name)
    c.windows[name] = (c.windows[name] or 0) + 1
end


local function reading(c, t)
    return tonumber(ARGV[c.b + t])
end


local function readings(c)
    local found = {}

    for t = 0, c.n - 1 do
        found[ARGV[c.tiers + 4 * t]] = reading(c, t)
    end

    return found
end


local function target(c, t, f)
    return tonumber(ARGV[c.tiers + 4 * t + 1 + f])
end


-- The first step of escalation of a wait that has not been told, in ms from its
-- start; or nil.

local function next_step(c, v)
    local times = ARGV[c.tiers + 4 * v.t + 3]

    if times == '' then
        return
    end

    for after in string.gmatch(times, '%d+') do
        after = tonumber(after)

        if after > v.n then
            return after
        end
    end
end


local function lane(v)
    return v.P[5] .. (v.f == 0 and ':first' or ':next')
end


-- The tier of the oldest unanswered message is that of the wait.

local function find_tier(c, v)
    local name = v.P[5]

    v.t = 0

    if not name or name == ARGV[c.tiers] then
        return
    end

    for t = 1, c.n - 1 do
        if ARGV[c.tiers + 4 * t] == name then
            v.t = t
            return
        end
    end

    v.strange = name
    v.P[5] = ARGV[c.tiers]
end


local function unpacked(c, key, raw)
    local v = { key = key, member = string.sub(key, -22), raw = raw }

    if raw then
        v.ref, v.P, v.l, v.r, v.f, v.s, v.n, v.a, v.w, v.b, v.O, v.Z =
            cmsgpack.unpack(raw)
        v.O, v.Z = v.O or {}, v.Z or {}
        find_tier(c, v)

    else
        v.P, v.r, v.f, v.s, v.n, v.b, v.O, v.Z, v.t = {}, 0, 0, 0, -1, 0, {},
                                                      {}, 0
    end

    return v
end


local function read(c, key)
    return unpacked(c, key, redis.call('GET', key))
end


local function save(c, v)
    local raw = cmsgpack.pack(v.ref, v.P, v.l, v.r, v.f, v.s, v.n, v.a, v.w,
                              v.b, v.O[1] and v.O or nil,
                              v.Z[1] and v.Z or nil)

    if not v.P[1] then
        redis.call('SET', v.key, raw, 'PX',
                   v.ref and c.forget or math.min(c.forget, c.ttl))

    elseif raw ~= v.raw then
        redis.call('SET', v.key, raw)
    end
end


-- Out of every set, whatever is said elsewhere.  Who is in a set of a lane is
-- in its wait.

local function disarm(c, v)
    local member = v.member

    for k = 6, c.keys - 1, 5 do
        if redis.call('ZREM', KEYS[k], member) == 1 then
            for i = k + 1, k + 4 do
                redis.call('ZREM', KEYS[i], member)
            end
        end
    end

    if v.strange then
        for _, set in ipairs({ 'wait', 'ok', 'risk', 'late', 'step' }) do
            for _, clock in ipairs({ 'first', 'next' }) do
                redis.call('ZREM', c.prefix .. set .. ':' .. v.strange .. ':'
                                   .. clock, member)
            end
        end
    end
end


local function deadline(c, v)
    return v.P[2] + v.P[3] + v.b + target(c, v.t, v.f)
end


-- An event for the stream of escalations.

local function note(v, event, due, name)
    local n = redis.call('RPUSH', KEYS[5], cmsgpack.pack({
        event, v.ref, v.P[5], v.f == 0 and 'first' or 'next', v.P[4], v.P[1],
        due, name or ''
    }))

    -- a sweep finds nothing new while there are many, so that it comes to this
    -- only where nobody sweeps
    if n > 100000 then
        redis.call('LTRIM', KEYS[5], -100000, -1)
    end
end


-- The deadline has passed; retract: it has not, by what is known now.

local function breach(c, v)
    v.s = 2
    count_lane(c, 'breach:' .. lane(v))
    note(v, 'breach', deadline(c, v))
end


local function retract(c, v)
    v.s = 0
    count_lane(c, 'retract:' .. lane(v))
    note(v, 'retracted', deadline(c, v))
end


-- Into the sets by its oldest message.  Returns the deadline's reading, or nil
-- if the clock is paused; and whether it was not known to wait before.

local function arm(c, v)
    local k = 6 + (2 * v.t + v.f) * 5
    local new = redis.call('ZADD', KEYS[k], v.P[1], v.member) == 1

    if v.a then
        -- no sweep will find that it was late when it was paused
        if v.s < 2 and v.a > deadline(c, v) then
            breach(c, v)
        end

        return nil, new
    end

    local due, after = deadline(c, v), next_step(c, v)

    redis.call('ZADD', KEYS[k + 1 + v.s], due, v.member)

    if after then
        redis.call('ZADD', KEYS[k + 4], v.P[2] + v.b + after, v.member)
    end

    return due, new
end


-- Whether the message at ARGV[p] was fed before, by the key of its id, which
-- is KEYS[k + 1].  Second, what is in KEYS[k].

local function known(c, p, k)
    if tonumber(ARGV[p + 3]) % 2 == 0 then
        return false, redis.call('GET', KEYS[k])
    end

    local values = redis.call('MGET', KEYS[k], KEYS[k + 1])

    if values[2] or c.marked[KEYS[k + 1]] then
        count(c, 'an:duplicate')
        return true
    end

    return false, values[1]
end


-- At the end of a call: KEYS[k] shall be there.

local function mark(c, k, value, ttl)
    c.marked[KEYS[k]] = true
    c.marks[#c.marks + 1] = k
    c.marks[#c.marks + 1] = value
    c.marks[#c.marks + 1] = ttl
end


-- Whether the arguments of a message are what they have to be.

local function valid(c, p)
    local t = tonumber(ARGV[p + 2])

    for i = 1, 5 + c.n do
        if i ~= 4 and not tonumber(ARGV[p + i]) then
            return false
        end
    end

    return t >= 0 and t < c.n
end


-- Writes the counters, then the marks: nothing is rolled back, and what was
-- marked and not counted would never be.

local function flush(c)
    local new_day, new_hour

    for name, n in pairs(c.counts) do
        redis.call('HINCRBY', KEYS[2], name, n)
    end

    for name, n in pairs(c.windows) do
        redis.call('HINCRBY', KEYS[2], name, n)
        new_day = redis.call('HINCRBY', KEYS[3], name, n) == n or new_day
        new_hour = redis.call('HINCRBY', KEYS[4], name, n) == n or new_hour
    end

    if new_day then
        redis.call('PEXPIRE', KEYS[3], 64 * 86400000)
    end

    if new_hour then
        redis.call('PEXPIRE', KEYS[4], 3 * 86400000)
    end

    for i = 1, #c.marks, 3 do
        redis.call('SET', KEYS[c.marks[i]], c.marks[i + 1], 'PX',
                   c.marks[i + 2])
    end
end


-- Calls f; returns nil and the error's text if there was one.

local function try(f, ...)
    local ok, value = pcall(f, ...)

    if ok then
        return value or true
    end

    return nil, type(value) == 'table' and value.err or value
end


