--
-- Copyright (C) nginx-intake contributors
--
-- Stores deliveries, each of them once: the part of the scripts that store.
-- The keys and arguments of a delivery are described in store.lua.
--
-- Redis's time is spent on the arguments, each of which is copied in and out
-- and hashed byte by byte: hence field names are constants here.  Functions
-- have no upvalues, and a stored delivery no table in the reply, because these
-- cost more than all that is done here.
--


-- The ms from one recordedtime to another; 0 if the other is earlier.

local function between(one, other)
    local function ms(text, floor)
        local y, m, d, hour, min, s = string.match(text,
            '^(%d%d%d%d)%-(%d%d)%-(%d%d)T(%d%d):(%d%d):(%d%d%.%d%d%d)')

        if not y then
            return
        end

        -- March is the first month of a year whose last day may be a leap day
        if tonumber(m) < 3 then
            y, m = y - 1, m + 12
        end

        d = d + 365 * y + floor(y / 4) - floor(y / 100) + floor(y / 400)
            + floor((153 * m - 457) / 5)

        return ((d * 24 + hour) * 60 + min) * 60000 + floor(s * 1000 + 0.5)
    end

    one, other = ms(one, math.floor), ms(other, math.floor)

    return one and other and math.max(0, other - one) or math.huge
end


-- What the values of the keys from KEYS[k] on say of a delivery: its answer;
-- or nil, its status and the entry that it repeats; or nothing.  Fourth, the
-- server's time in ms once it is known.

local function judge(between, kind, k, values, recorded, id, now)
    local entries, ids, young, n, status = {}, {}, {}

    for i, value in ipairs(values) do
        local ms, seq, who, what

        if type(value) == 'string' then
            ms, seq, who, what = string.match(value,
                                              '^(%d+)%-(%d+) (%S+) (.*)$')

        elseif value and not string.find(value.err, 'WRONGTYPE', 1, true) then
            return { -1, value.err }, nil, nil, now
        end

        if ms then
            ids[i], entries[i] = what, ms .. '-' .. seq

            if who == recorded and what == id then
                n = i
                status = i == 1 and 0 or (kind == 'k' or i == 3) and 2
                         or kind == 'u' and entries[1] and 3 or 0
                break
            end

            if not now then
                local t = redis.pcall('TIME')

                if t.err then
                    return { -1, t.err }
                end

                now = t[1] * 1000 + math.floor(t[2] / 1000)
            end

            local age = now - ms

            if ARGV[9] == '1' then
                age = math.min(age, between(who, recorded))
            end

            young[i] = kind ~= 'o' and age < tonumber(ARGV[3])
                       or kind == 'n' and i == 2
        end
    end

    if not n then
        n = (kind == 'u' or kind == 'n' and young[2]) and 2 or 1
        status = 1

        if not young[n] then
            return nil, young[1] and 3, young[1] and entries[1], now
        end

        if ARGV[7] == 'mark' then
            return nil, 2, entries[n], now
        end
    end

    if ARGV[8] == '1' then
        local ok = redis.pcall('SET', KEYS[k + n - 1], values[n], 'KEEPTTL')

        if ok.err then
            return { -1, ok.err }, nil, nil, now
        end
    end

    if status == 0 then
        return entries[n], nil, nil, now
    end

    return { status, entries[n], status == 1 and ids[n] or nil }, nil, nil, now
end


-- Puts the fields of the delivery whose KIND is ARGV[a] into f, from "id" on;
-- returns their number with the values.

local function compose(f, a, first)
    local ARGV, n, v = ARGV, 10

    f[4] = ARGV[a + 1]
    f[8] = ARGV[a + 2]
    f[10] = ARGV[a + 3]

    v = ARGV[a + 4]
    if v ~= '' then
        f[11] = 'datacontenttype'
        f[12] = v
        n = 12
    end

    v = ARGV[a + 5]
    if v ~= '' then
        f[n + 1] = 'subject'
        f[n + 2] = v
        n = n + 2
    end

    f[n + 1] = 'recordedtime'
    f[n + 2] = ARGV[a + 6]
    f[n + 3] = 'intakeversion'
    f[n + 4] = '1'
    f[n + 5] = 'intakekey'
    f[n + 6] = ARGV[a + 7]
    n = n + 6

    if first then
        f[n + 1] = 'intakedup'
        f[n + 2] = first
        n = n + 2
    end

    f[n + 1] = 'intakeverify'
    f[n + 2] = ARGV[a + 8]
    n = n + 2

    v = ARGV[a + 9]
    if v ~= '' then
        f[n + 1] = 'intakekeyid'
        f[n + 2] = v
        n = n + 2
    end

    v = ARGV[a + 10]
    if v ~= '' then
        f[n + 1] = 'intakeip'
        f[n + 2] = v
        n = n + 2
    end

    v = ARGV[a + 11]
    if v ~= '' then
        f[n + 1] = 'intakeheaders'
        f[n + 2] = v
        n = n + 2
    end

    v = ARGV[a + 12]
    if v ~= '' then
        f[n + 1] = 'intakespam'
        f[n + 2] = v
        n = n + 2
    end

    v = ARGV[a + 13]
    if v ~= '' then
        f[n + 1] = 'intakefiles'
        f[n + 2] = v
        n = n + 2
    end

    f[n + 1] = 'data'
    f[n + 2] = ARGV[a + 14]

    return n + 2
end


-- Writes the keys from KEYS[k] on of a delivery that has been stored.

local function remember(kind, k, last, status, value)
    local call, ok = redis.pcall

    if status == 2 or kind == 'o' then
        return call('SET', KEYS[last], value, 'PX', ARGV[5])
    end

    if status == 3 then
        return call('SET', KEYS[k + 1], value, 'PX', ARGV[4])
    end

    ok = call('SET', KEYS[k], value, 'PX', ARGV[4])

    if kind ~= 'k' and not ok.err then
        ok = call('SET', KEYS[k + 1], value, 'PX',
                  kind == 'u' and ARGV[4] or ARGV[6])
    end

    return ok
end


-- What the deliveries of a call share; k is the place of the next one's keys.

local function deliveries(between, judge, compose, remember)
    return {
        between = between,
        judge = judge,
        compose = compose,
        remember = remember,
        k = 2,
        own = ARGV[7] == 'mark' and 1 or 0,
        maxlen = ARGV[1],

        -- as long as an entry can be, or it would grow, and be copied, field
        -- by field
        fields = {
            'specversion', '1.0', 'id', '', 'source', ARGV[10], 'type', '',
            'time', '', '', '', '', '', '', '', '', '', '', '', '', '', '',
            '', '', '', '', '', '', '', '', '', '', '', '', '', ''
        }
    }
end


-- Returns the answer for the delivery whose KIND is ARGV[a], and its entry if
-- that is new and of an event that was not known.

local function deliver(c, a)
    local KEYS, ARGV, call, k = KEYS, ARGV, redis.pcall, c.k
    local kind, id, recorded = ARGV[a], ARGV[a + 1], ARGV[a + 6]
    local last, values, answer, status, first = k

    if kind == 'k' then
        last = k + c.own

    elseif kind ~= 'o' then
        last = k + 1 + c.own
    end

    c.k = last + 1

    if last == k then
        values = call('GET', KEYS[k])
        values = values and { values }

    else
        values = call('MGET', unpack(KEYS, k, last))

        if values.err then
            values = { values }

        elseif not (values[1] or values[2] or values[3]) then
            values = nil
        end
    end

    if values then
        answer, status, first, c.now = c.judge(c.between, kind, k, values,
                                               recorded, id, c.now)
        if answer then
            c.failed = c.failed or type(answer) == 'table' and answer[1] == -1
            return answer
        end
    end

    local n, entry, ok = c.compose(c.fields, a, first)

    if c.maxlen == '0' then
        entry = call('XADD', KEYS[1], '*', unpack(c.fields, 1, n))

    else
        entry = call('XADD', KEYS[1], 'MAXLEN', '~', c.maxlen, '*',
                     unpack(c.fields, 1, n))
    end

    if entry.err then
        c.failed = true
        return { -1, entry.err }
    end

    -- once a call is enough for what is approximate
    c.maxlen = '0'
    c.stored = true

    ok = c.remember(kind, k, last, status,
                    entry .. ' ' .. recorded .. ' ' .. id)

    if ok.err then
        c.failed = true
        answer = { 0, entry, ok.err }

    elseif status then
        answer = { status, entry }
    end

    return answer or entry, status ~= 2 and entry
end


-- Applies the age; returns the reply, with errors as the commands say them.

local function finish(c, reply)
    local call, now = redis.pcall, c.now

    if c.stored and ARGV[2] ~= '0' then
        local ok

        if not now then
            ok = call('TIME')
            now = not ok.err and ok[1] * 1000 + math.floor(ok[2] / 1000)
        end

        if now then
            ok = call('XTRIM', KEYS[1], 'MINID', '=', now - ARGV[2])
        end

        if type(ok) == 'table' and ok.err then
            reply[#reply + 1] = ok.err
            c.failed = true
        end
    end

    if c.failed then

        -- Redis 6.2 puts the script's line before it

        local function text(err)
            return string.match(string.gsub(err, '^@user_script: %d+: %-?', ''),
                                '^(.-)%s*$')
        end

        for i, answer in ipairs(reply) do
            if type(answer) == 'string' then
                reply[i] = text(answer)

            elseif answer[1] < 1 then
                answer[#answer] = text(answer[#answer])
            end
        end
    end

    return reply
end
