--
-- Copyright (C) nginx-intake contributors
--
-- Finds what the passing of time has changed in the waits of a source, counts
-- it, and writes the entries of its stream of escalations.  Any number of
-- callers may do so: each event is found, counted and written once.
--
-- Parts: clock pause wait
--
-- KEYS      those at the top of parts/clock.lua, the first being the stream of
--           escalations
--
-- ARGV      CONF; the time; the readings of the tiers' clocks; the most that
--           become due in a call; the field source; maxlen of the
--           stream, approximate; the key of P:sla:m, if it has none yet;
--           then for each tier four:
--
--           first's and next's number of ms before the deadline at which a
--           wait is at risk; the names of the steps of escalation, in the
--           order of CONF, with spaces between them; the text that says which
--           calendar the readings are of, or nothing
--
--           and then any number of three: the name of a tier, the reading of a
--           deadline, and its time as RFC 3339 has it, or nothing if it has
--           none
--
-- Returns
--
--   {AT_RISK, BREACHES, ESCALATED, FORGOTTEN, REMOVED, WRITTEN, MORE, NEEDED,
--    CALENDARS}
--
--   REMOVED    number of those whose key is gone
--   WRITTEN    number of the entries
--   MORE       1: there may be more that is due.  While many events wait to be
--              written nothing new is looked for
--   NEEDED     names of tiers and readings, by turns, at most as many as become
--              due in a call: what is to be given, as above, in the next
--              call, so that the events which wait in P:sla:x for their "due"
--              can be written
--   CALENDARS  a text for each tier: nothing, or the one that is stored and
--              that differs from the one given.  One that is not stored yet is.
--              Then, by turns, the names and texts of tiers that no node has
--              any more: who waits in their lanes is to be read anew
--
-- A wait is late when its clock is beyond the deadline, at risk when it has
-- reached the time before it, and at a step when it is beyond that.  "forget"
-- after the last message or pause it is closed without an answer, and its
-- conversation is forgotten.
-- A conversation in which somebody waits does not expire, but its key may be
-- evicted or deleted: a few of each lane are looked for in each call.
--


local c, n = clocks(1), { 0, 0, 0, 0, 0, 0, 0 }
local now = tonumber(ARGV[c.rest])

c.b = c.rest + 1

local a = c.b + c.n
local limit, source, maxlen = tonumber(ARGV[a]), ARGV[a + 1], ARGV[a + 2]
local config, left = a + 4, limit


local function tell(place)
    n[place] = n[place] + 1
end


-- The conversation of a member that is in the set KEYS[k + set] of a lane, or
-- nothing if it is not to be there any more.

local function visit(k, set, member)
    local v = read(c, c.prefix .. 'c:' .. member)

    if not v.P[1] then
        disarm(c, v)
        tell(5)
        return
    end

    if k ~= 6 + (2 * v.t + v.f) * 5
       or v.a and set > 0
       or set > 0 and set < 4 and set ~= v.s + 1
       or v.strange
    then
        disarm(c, v)
        arm(c, v)
        save(c, v)
        return
    end

    return v
end


-- Tells the steps whose time, from the start, is before a reading, and that
-- come after the last one that was told: some may have been added before it.

local function escalate(c, v, start, b, due)
    local last, names = v.n, ARGV[config + 4 * v.t + 2]
    local name = string.gmatch(names, '%S+')

    for after in string.gmatch(ARGV[c.tiers + 4 * v.t + 3], '%d+') do
        local step = name()

        after = tonumber(after)

        if start + after >= b then
            return
        end

        if after > last then
            note(v, 'escalate', due, step)
            v.n = after
            tell(3)
        end
    end
end


-- Tells what has become of a wait, and moves it on.

local function proceed(k, v)
    if v.a then
        return
    end

    local t, s, b, due = v.t, v.s, reading(c, v.t), deadline(c, v)
    local start, after = v.P[2] + v.b, next_step(c, v)

    if v.s == 0 and due <= b + ARGV[config + 4 * t + v.f] then
        v.s = 1
        note(v, 'at_risk', due)
        tell(1)
    end

    if v.s == 1 and due < b then
        breach(c, v)
        tell(2)
    end

    if v.s ~= s then
        redis.call('ZREM', KEYS[k + 1 + s], v.member)
    end

    if after and start + after < b then
        escalate(c, v, start, b, due)
        after = next_step(c, v)
    end

    if not after then
        redis.call('ZREM', KEYS[k + 4], v.member)
    end

    -- by the targets of today, too
    arm(c, v)
    save(c, v)
end


-- Those in KEYS[k + set] up to a score.  A call does not take more than the
-- limit out of all sets: it would hold up everybody else.

local function each(k, set, bound, f)
    local members = redis.call('ZRANGEBYSCORE', KEYS[k + set], '-inf', bound,
                               'LIMIT', 0, left)

    for _, member in ipairs(members) do
        local v = visit(k, set, member)

        if v then
            f(k, v)
        end
    end

    left = left - #members

    if left == 0 then
        n[7] = 1
    end
end


local function forget(k, v)
    proceed(k, v)
    close(c, v, math.max(now, v.P[#v.P - 4]))
    redis.call('DEL', v.key)
    tell(4)
end


-- Those in which nothing has happened for "forget".  They are among those whose
-- oldest message is older than that, of which there may be many that go on: so
-- some of these are looked at in each call, the first ones and others anywhere.

local function forget_old(k)
    local last, forgotten = now - c.forget, n[4]
    local old = redis.call('ZCOUNT', KEYS[k], '-inf',
                           '(' .. string.format('%.0f', last))
    local some = math.min(old, math.ceil(limit / 4))
    local place = some

    math.randomseed(now % 2147483648)

    if old > 2 * some then
        place = math.random(some, old - some)
    end

    for _, first in ipairs({ 0, place }) do
        local rest = math.min(first + some, old) - first

        for _, member in ipairs(rest > 0
                                and redis.call('ZRANGE', KEYS[k], first,
                                               first + rest - 1) or {})
        do
            local v = visit(k, 0, member)

            if v and v.P[#v.P - 4] < last and (v.Z[#v.Z - 2] or 0) < last then
                forget(k, v)
            end
        end
    end

    if n[4] > forgotten and old > some then
        n[7] = 1
    end
end


-- Some of a lane, at random.

local function look_for(k)
    local members, keys = redis.call('ZRANDMEMBER', KEYS[k], 16), {}

    for i, member in ipairs(members) do
        keys[i] = c.prefix .. 'c:' .. member
    end

    if not keys[1] or redis.call('EXISTS', unpack(keys)) == #keys then
        return
    end

    for i, key in ipairs(keys) do
        if redis.call('EXISTS', key) == 0 then
            visit(k, 0, members[i])
        end
    end
end


-- A time as RFC 3339 has it, by the days of a calendar that begins in March.

local function rfc3339(ms)
    local s = math.floor(ms / 1000)
    local day = math.floor(s / 86400) + 719468
    local era = math.floor(day / 146097)
    local doe = day - era * 146097
    local yoe = math.floor((doe - math.floor(doe / 1460)
                            + math.floor(doe / 36524)
                            - math.floor(doe / 146096)) / 365)
    local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
    local mp = math.floor((5 * doy + 2) / 153)
    local month = mp < 10 and mp + 3 or mp - 9

    return string.format('%04d-%02d-%02dT%02d:%02d:%02d.%03dZ',
                         yoe + era * 400 + (month <= 2 and 1 or 0), month,
                         doy - math.floor((153 * mp + 2) / 5) + 1,
                         math.floor(s / 3600) % 24, math.floor(s / 60) % 60,
                         s % 60, ms % 1000)
end


local function write(e, due)
    local fields = { 'event', e[1], 'source', source, 'conversation', e[2],
                     'tier', e[3], 'clock', e[4] }

    for _, field in ipairs({ { 'id', e[5] }, { 'since', rfc3339(e[6]) },
                             { 'due', due }, { 'name', e[8] } })
    do
        if field[2] ~= '' then
            fields[#fields + 1] = field[1]
            fields[#fields + 1] = field[2]
        end
    end

    redis.call('XADD', KEYS[1], 'MAXLEN', '~', maxlen, '*', unpack(fields))
end


-- Writes the events that wait, in order, up to one whose "due" is not known.
-- Returns what is needed for those, and for as many as a call can write after
-- them: so each call writes some, and what it finds does not pile up.

local function drain()
    local texts, needed, asked = {}, {}, {}
    local events = redis.call('LRANGE', KEYS[5], 0, 2 * limit - 1)

    for i = config + 4 * c.n, #ARGV, 3 do
        texts[ARGV[i] .. ' ' .. ARGV[i + 1]] = ARGV[i + 2]
    end

    for _, packed in ipairs(events) do
        local e = cmsgpack.unpack(packed)
        local due = string.format('%.0f', e[7])
        local key = e[3] .. ' ' .. due

        if texts[key] and not needed[1] and n[6] < limit then
            write(e, texts[key])
            tell(6)

        elseif not asked[key] and #needed < 2 * limit then
            asked[key] = true
            needed[#needed + 1] = e[3]
            needed[#needed + 1] = due
        end
    end

    if n[6] > 0 then
        redis.call('LTRIM', KEYS[5], n[6], -1)
    end

    return needed
end


local function calendars()
    local found = {}

    for t = 0, c.n - 1 do
        local name, text = ARGV[c.tiers + 4 * t], ARGV[config + 4 * t + 3]
        local stored = text ~= '' and redis.call('HGET', KEYS[2],
                                                 'cal:' .. name)

        if text ~= '' and (not stored or stored == '') then
            redis.call('HSET', KEYS[2], 'cal:' .. name, text)
        end

        found[t + 1] = stored and stored ~= text and stored or ''
    end

    return found
end


-- Notes when the tiers are swept, once a minute.  Returns whether it did.

local function note_tiers()
    local noted

    for t = 0, c.n - 1 do
        local field = 'at:' .. ARGV[c.tiers + 4 * t]
        local at = tonumber(redis.call('HGET', KEYS[2], field) or nil)

        if not at or math.abs(now - at) >= 60000 then
            redis.call('HSET', KEYS[2], field, string.format('%.0f', now))
            noted = true
        end
    end

    return noted
end


-- Adds the tiers that nobody has swept for some minutes.  One may be configured
-- on other nodes only, while they are given another configuration in turn.

local function find_gone(found)
    local fields, all, own = {}, redis.call('HGETALL', KEYS[2]), {}

    for i = 1, #all, 2 do
        fields[all[i]] = all[i + 1]
    end

    for t = 0, c.n - 1 do
        own[ARGV[c.tiers + 4 * t]] = true
    end

    for field, text in pairs(fields) do
        local name = string.match(field, '^cal:(.*)$')

        if name and text ~= '' and not own[name] then
            local at = tonumber(fields['at:' .. name])

            if not at then
                redis.call('HSET', KEYS[2], 'at:' .. name,
                           string.format('%.0f', now))

            elseif math.abs(now - at) >= 180000 then
                found[#found + 1] = name
                found[#found + 1] = text
            end
        end
    end
end


for i = c.rest, c.b + c.n do
    if not tonumber(ARGV[i]) then
        return redis.error_reply('ERR not a number')
    end
end

local function find()
    for t = 0, c.n - 1 do
        local b = reading(c, t)

        for f = 0, 1 do
            local k = 6 + (2 * t + f) * 5

            each(k, 1, b + ARGV[config + 4 * t + f], proceed)
            each(k, 2, '(' .. ARGV[c.b + t], proceed)
            each(k, 4, '(' .. ARGV[c.b + t], proceed)
            forget_old(k)
            look_for(k)
        end
    end
end


-- what was found before is written first

if #redis.call('LRANGE', KEYS[5], 4 * limit, 4 * limit) == 0 then
    find()
    flush(c)

else
    n[7] = 1
end

-- what people see of conversations is keyed with this, on all nodes

if not redis.call('HGET', KEYS[2], 'key') then
    redis.call('HSET', KEYS[2], 'key', ARGV[a + 3])
end

n[8] = drain()
n[9] = calendars()

if note_tiers() then
    find_gone(n[9])
end

return n
