--
-- Copyright (C) nginx-intake contributors
--
-- The pauses of a wait: we wait for the customer, and the clock stands.  What
-- they make of it (a, w, b) is reckoned anew from all of them that are known
-- (Z) whenever one is told of, so that it does not matter in which order they
-- come in.
--


-- A message after the pause, and not after a time, ends it.  Those up to "cut"
-- have been reckoned with.

local function end_pause(v, cut, last)
    local P = v.P

    for i = 1, #P, 5 do
        local te, same = P[i], P[i + 4] == P[5]

        if te > v.w and te > cut and (te < last or same and te == last) then
            -- what it says by another clock than that of the wait is no use
            v.b = v.b + (same and math.max(0, P[i + 1] - v.a) or 0)
            v.a, v.w = nil, nil
            return
        end
    end
end


-- What the pauses up to a time make of the wait.

local function reckon(v, last)
    local P, Z, cut = v.P, v.Z, -1

    v.a, v.w, v.b = nil, nil, 0

    for i = 1, P[1] and #Z or 0, 3 do
        local te, what, more = Z[i], Z[i + 1], Z[i + 2]

        if te > last then
            break
        end

        if what == 2 then
            cut, v.b, v.w, v.z = te, more[1], more[2] or nil, more[3]
            v.a = v.w and math.max(P[2], v.z[P[5]] or 0)

        elseif te >= P[1] then
            if v.a then
                end_pause(v, cut, te)
            end

            if what == 1 and not v.a then
                v.a, v.w, v.z = math.max(P[2], more[P[5]] or 0), te, more

            elseif what == 0 and v.a then
                v.b = v.b + math.max(0, (more[P[5]] or 0) - v.a)
                v.a, v.w = nil, nil
            end
        end
    end

    if v.a then
        end_pause(v, cut, last)
    end
end


-- The pauses up to a time are over, with the wait if that has ended; what is
-- given as the rest stands for them.

local function drop(v, te, ended, rest)
    rest = rest or {}

    for i = 1, #v.Z, 3 do
        if v.Z[i] > te and not (ended and v.Z[i + 1] == 2) then
            for j = i, i + 2 do
                rest[#rest + 1] = v.Z[j]
            end
        end
    end

    v.Z = rest
end


-- What has been reckoned up to a time stays as it is; found are the readings
-- at which the clock stands.

local function hold(v, te, found)
    drop(v, te, false, (v.a or v.b > 0) and {
        te, 2, { v.b, v.w or false, v.a and found or false }
    })
end


-- A pause, or the end of one.

local function keep(c, v, te, what)
    local Z = v.Z
    local i = #Z + 1

    if Z[2] == 2 and te < Z[1] then
        return
    end

    while i > 1 and Z[i - 3] > te do
        i = i - 3
    end

    for n, value in ipairs({ te, what, readings(c) }) do
        table.insert(Z, i + n - 1, value)
    end

    if #Z > 96 then
        reckon(v, Z[46])
        hold(v, Z[46], v.z)
    end
end


-- Pauses that came to be known have changed what was reckoned of the wait: so
-- it is in other sets.  What was counted too early is retracted.

local function change(c, v)
    disarm(c, v)

    if v.s == 2 and (v.a or reading(c, v.t)) <= deadline(c, v) then
        retract(c, v)
    end

    arm(c, v)
end
