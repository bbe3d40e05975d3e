--
-- Copyright (C) nginx-intake contributors
--
-- What a message does to the wait of its conversation: the rules.
--


local function observe(c, name, ms)
    local bound = 'inf'

    for b in string.gmatch(c.bounds, '%d+') do
        if ms <= tonumber(b) then
            bound = b
            break
        end
    end

    count_lane(c, name .. bound)
    name = name .. 'sum'
    c.counts[name] = (c.counts[name] or 0) + ms
end


-- The wait of v was answered: its outcome is counted, once.  Returns 1 if the
-- target was met.

local function settle(c, v, wall, business, due, late)
    local name = lane(v)

    observe(c, 'hw:' .. name .. ':', wall)
    observe(c, 'hb:' .. name .. ':', business)

    if business > due - v.P[2] - v.b then
        if not late then
            breach(c, v)
        end

        return 0
    end

    count_lane(c, 'met:' .. name)

    -- in time, but told too late
    if late then
        retract(c, v)
    end

    return 1
end


-- What the clock shows for the wait, at a reading.

local function spent(v, b)
    return math.max(0, math.min(v.a or b, b) - v.P[2] - v.b)
end


-- Adds a message; what is too much between the oldest 15 and the newest goes.

local function insert(v, te, b, x, id, name)
    local P = v.P
    local i = #P - 4

    while i > 0 and (P[i] > te or P[i] == te and P[i + 3] > id) do
        i = i - 5
    end

    -- most come in order
    if i == #P - 4 then
        P[i + 5], P[i + 6], P[i + 7], P[i + 8], P[i + 9] = te, b, x, id, name

    else
        for n, value in ipairs({ te, b, x, id, name }) do
            table.insert(P, i + 4 + n, value)
        end
    end

    if #P > 80 then
        for _ = 1, 5 do
            table.remove(P, #P - 5)
        end
    end
end


-- The state of somebody who waits, as feed returns it.

local function shown(c, v)
    if v.a then
        return 'paused'
    end

    return 'waiting', -1, -1, -1, deadline(c, v), v.t
end


-- Takes out the messages up to a time: a wait has ended.  The rest begins
-- another.  Returns the deadline of that one.

local function take_out(c, v, te)
    local rest = {}

    for i = 1, #v.P, 5 do
        if v.P[i] > te then
            for j = i, i + 4 do
                rest[#rest + 1] = v.P[j]
            end
        end
    end

    disarm(c, v)

    v.P = rest
    v.s, v.n = 0, -1
    v.f = rest[1] and v.r or 0
    find_tier(c, v)
    drop(v, te, true)
    reckon(v, math.huge)

    return rest[1] and arm(c, v)
end


-- A message that was overtaken by its answer.

local function overtaken(c, v, te, b, x, id, name)
    local O, business = v.O

    count(c, 'an:overtaken')

    if v.r == 1 then
        return 'answered'
    end

    for i = 1, #O, 2 do
        if O[i] >= te then
            local due = b + x + target(c, v.came, 0)
            local wait = { ref = v.ref, P = { te, b, x, id, name },
                           t = v.came, f = 0, s = 0, b = 0 }

            business = math.max(0, (O[i + 1][name] or b) - b)

            local met = settle(c, wait, O[i] - te, business, due, false)

            v.r, v.O = 1, {}

            -- then what waits is not the first any more
            if v.P[1] and v.f == 0 then
                disarm(c, v)

                if v.s == 2 then
                    local last = deadline(c, v)

                    retract(c, v)
                    v.f = 1

                    if deadline(c, v) <= last then
                        breach(c, v)
                    end
                end

                v.f = 1
                arm(c, v)
            end

            return 'answered', O[i] - te, business, met, due, v.came
        end
    end

    return 'answered'
end


local function inbound(c, v, p, te, id)
    local t, x = tonumber(ARGV[p + 2]), tonumber(ARGV[p + 5])
    local b, name = reading(c, t), ARGV[c.tiers + 4 * t]
    local oldest, whose, tier, new = v.P[1], v.P[4], v.t
    local stood, given, Z = v.a, v.b, v.Z

    if v.l and te <= v.l then
        v.came = t
        return overtaken(c, v, te, b, x, id, name)
    end

    if not oldest then
        v.f = v.r
    end

    insert(v, te, b, x, id, name)
    find_tier(c, v)

    -- the customer writes: it is our turn again

    if Z[1] or c.n > 1 and oldest then
        if c.n > 1 or stood or te <= Z[#Z - 2] then
            keep(c, v, te, 0)
        end

        reckon(v, math.huge)
    end

    if oldest and (tier ~= v.t or v.strange) then
        disarm(c, v)

    elseif oldest and (stood ~= v.a or given ~= v.b) then
        change(c, v)
        return shown(c, v)

    elseif oldest and oldest == v.P[1] and whose == v.P[4] then
        return shown(c, v)
    end

    new = select(2, arm(c, v))

    if not oldest and not new then
        disarm(c, v)
        arm(c, v)
    end

    return shown(c, v)
end


local function outbound(c, v, te)
    local since, latest = v.P[1], v.l

    if not latest or te > latest then
        v.l = te
    end

    if since and since <= te then
        reckon(v, te)

        local t, due, business = v.t, deadline(c, v), spent(v, reading(c, v.t))
        local met = settle(c, v, te - since, business, due, v.s == 2)

        v.r, v.O = 1, {}
        due = not v.a and due

        local following = take_out(c, v, te)

        if v.P[1] then
            return 'answered_waiting', te - since, business, met, following,
                   v.t
        end

        return 'answered', te - since, business, met, due or -1, t
    end

    count(c, latest and te < latest and 'an:overtaken' or 'an:orphan_reply')
    drop(v, te)

    if not since then
        disarm(c, v)
    end

    if v.r == 0 then
        local O, i = v.O, #v.O - 1

        while i > 0 and O[i] > te do
            i = i - 2
        end

        if O[i] ~= te then
            table.insert(O, i + 2, te)
            table.insert(O, i + 3, readings(c))
        end

        if #O > 32 then
            table.remove(O, #O - 2)
            table.remove(O, #O - 2)
        end
    end

    return 'orphan'
end


-- what: 1, we wait for the customer; 0, we do not any more.

local function pause(c, v, te, what)
    local stood, given = v.a, v.b

    if v.l and te <= v.l then
        return 'ignored'
    end

    keep(c, v, te, what)

    if not v.P[1] then
        return 'ignored'
    end

    reckon(v, math.huge)

    if stood ~= v.a or given ~= v.b then
        change(c, v)
    end

    return shown(c, v)
end


-- The wait ends without an answer.

local function close(c, v, te)
    if v.P[1] and v.P[1] <= te then
        reckon(v, te)

        local due = deadline(c, v)

        if v.s < 2 and spent(v, reading(c, v.t)) > due - v.P[2] - v.b then
            breach(c, v)
        end

        count_lane(c, 'closed:' .. lane(v))
        take_out(c, v, te)

    else
        drop(v, te)

        if not v.P[1] then
            disarm(c, v)
        end
    end

    if not v.l or te > v.l then
        v.l = te
    end

    if v.P[1] then
        return shown(c, v)
    end

    return 'closed'
end


-- What waits in a waits in v from now on.  The older clock wins, and what has
-- been told of either is not told again.

local function merge(c, a, v)
    if not a.P[1] then
        v.r = math.max(v.r, a.r)
        return 'merged', -1, -1, -1, v.P[1] and not v.a and deadline(c, v), v.t
    end

    disarm(c, a)
    disarm(c, v)
    reckon(v, math.huge)

    if not v.P[1] or a.P[1] < v.P[1] then
        v.f = a.f
    end

    for i = 1, #a.P, 5 do
        insert(v, unpack(a.P, i, i + 4))
    end

    v.r = math.max(v.r, a.r)
    v.s = math.max(v.s, a.s)
    v.n = math.max(v.n, a.n)

    -- the pauses of both were those of other waits
    hold(v, math.max(v.P[#v.P - 4], v.Z[#v.Z - 2] or 0), v.z)

    a.P, a.Z = {}, {}
    a.a, a.w, a.b, a.s, a.n, a.f = nil, nil, 0, 0, -1, 0

    find_tier(c, v)
    reckon(v, math.huge)

    return 'merged', -1, -1, -1, arm(c, v) or -1, v.t
end


-- Feeds the message at ARGV[p] to its conversation.  Returns the state, the
-- wait that ended by the wall and by the business clock, 1 if it met the
-- target or 0, the deadline's reading, and the number of its tier; -1 or
-- nothing where there is none.

local function feed(c, v, p, id)
    local kind, te = ARGV[p], tonumber(ARGV[p + 1])

    c.b = p + 6

    count(c, 'ev:' .. kind)

    if tonumber(ARGV[p + 3]) >= 4 then
        count(c, 'an:clock_skew')
    end

    if kind == 'inbound' then
        return inbound(c, v, p, te, id)

    elseif kind == 'outbound' then
        return outbound(c, v, te)

    elseif kind == 'pause' then
        return pause(c, v, te, 1)

    elseif kind == 'resume' then
        return pause(c, v, te, 0)

    elseif kind == 'close' then
        return close(c, v, te)
    end

    return 'ignored'
end

