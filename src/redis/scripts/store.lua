--
-- Copyright (C) nginx-intake contributors
--
-- Stores deliveries of one source in a stream, each of them once.
--
-- A call carries 1 to 64 deliveries, so that those of one turn of the event
-- loop share the cost of entering Lua.  It runs on Redis 6.2 and newer and on
-- Valkey, alone or in a cluster: every key is in KEYS and the keys of a call
-- share a hash tag.  Commands used: GET MGET XADD SET; TIME for the age of a
-- hit; TIME and XTRIM if the entries have an age.
--
-- KEYS[1]   the stream; then each delivery's keys in order, by its KIND:
--
--   k       one key that stands for the event: a signed id, the digest of a
--           body or of a form, or an unsigned id whose body is empty
--   u       two keys: the unsigned id's, then the body digest's
--   o       one key, the delivery's own; it has no duplicates, only resends
--
--           With on_duplicate mark, k and u have the delivery's own key as
--           one more, the last.
--
-- ARGV[1]   maxlen of the stream, approximate; 0: none
-- ARGV[2]   age in ms that an entry may reach, exact; 0: none
-- ARGV[3]   window in ms within which an event is a duplicate
-- ARGV[4]   time to live in ms of the keys but the own ones, at least 1
-- ARGV[5]   time to live in ms of own keys, at least 1
-- ARGV[6]   on_duplicate: drop or mark
-- ARGV[7]   1 if WAIT or WAITAOF follows, else 0.  They cover the writes of
--           their connection only, so with 1 a delivery that is not stored
--           writes the key that knew it again, as it was
-- ARGV[8]   the field source
--
--           Then 15 for each delivery; but KIND they are fields of the entry,
--           and an empty one, data excepted, is left out:
--
--           KIND id type time datacontenttype subject recordedtime intakekey
--           intakeverify intakekeyid intakeip intakeheaders intakespam
--           intakefiles data
--
-- The value of a key is "ENTRY RECORDEDTIME ID".  A hit with the delivery's
-- own recordedtime and id, of whatever age, is this delivery, sent or replayed
-- again, and is answered as it was (but a reused id as new, once the id's key
-- has gone).  Another that is younger than the window, by the time in ENTRY
-- against the server's, is the first of a duplicate.  An older one and a value
-- that reads otherwise are no hit: the delivery is stored, its key written.
--
-- Keys are written after their entry.  Nothing is rolled back, and a key
-- without an entry would turn the sender's retry into a duplicate of nothing.
--
-- The reply has one element for each delivery, in order:
--
--   ENTRY              stored
--   {0, ENTRY, TEXT}   stored, but a key was not written; the error's text
--   {1, ENTRY, ID}     a duplicate, not stored; entry and id of the first
--   {2, ENTRY}         a duplicate, stored with intakedup
--   {3, ENTRY}         an unsigned id with another body, stored with intakedup
--   {-1, TEXT}         not stored, or not written again; the error's text
--
-- and one more, the error's text, if the age could not be applied.  Each
-- delivery has its own error, so that a duplicate is answered even where Redis
-- stores nothing.  An error instead of the array: nothing was stored.
--
-- Redis's time is spent on the arguments, each of which is copied in and out
-- and hashed byte by byte: hence field names are constants here.  Functions
-- have no upvalues, and a stored delivery no table in the reply, because these
-- cost more than all that the script itself does.
--


-- What the values of the keys from KEYS[k] on say of a delivery: its answer;
-- or nil, its status and the entry that it repeats; or nothing.  Fourth, the
-- server's time in ms once it is known.

local function judge(kind, k, values, recorded, id, now)
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
                         or entries[1] and 3 or 0
                break
            end

            if not now then
                local t = redis.pcall('TIME')

                if t.err then
                    return { -1, t.err }
                end

                now = t[1] * 1000 + math.floor(t[2] / 1000)
            end

            young[i] = kind ~= 'o' and now - ms < tonumber(ARGV[3])
        end
    end

    if not n then
        n, status = kind == 'u' and 2 or 1, 1

        if not young[n] then
            return nil, young[1] and 3, young[1] and entries[1], now
        end

        if ARGV[6] == 'mark' then
            return nil, 2, entries[n], now
        end
    end

    if ARGV[7] == '1' then
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


local KEYS, ARGV, call = KEYS, ARGV, redis.pcall
local stream, maxlen, own = KEYS[1], ARGV[1], ARGV[6] == 'mark' and 1 or 0

-- as long as an entry can be, or it would grow, and be copied, field by field
local fields = {
    'specversion', '1.0', 'id', '', 'source', ARGV[8], 'type', '', 'time', '',
    '', '', '', '', '', '', '', '', '', '', '', '', '',
    '', '', '', '', '', '', '', '', '', '', '', '', ''
}

local reply, k, stored, failed, now = {}, 2

for a = 9, #ARGV, 15 do
    local kind, id, recorded = ARGV[a], ARGV[a + 1], ARGV[a + 6]
    local last, values, answer, status, first = k

    if kind == 'u' then
        last = k + 1 + own

    elseif kind == 'k' then
        last = k + own
    end

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
        answer, status, first, now = judge(kind, k, values, recorded, id, now)
        failed = failed or type(answer) == 'table' and answer[1] == -1
    end

    if not answer then
        local n = compose(fields, a, first)

        if maxlen == '0' then
            answer = call('XADD', stream, '*', unpack(fields, 1, n))

        else
            answer = call('XADD', stream, 'MAXLEN', '~', maxlen, '*',
                          unpack(fields, 1, n))
        end

        if answer.err then
            answer = { -1, answer.err }
            failed = true

        else
            local value, ok = answer .. ' ' .. recorded .. ' ' .. id

            if status == 2 or kind == 'o' then
                ok = call('SET', KEYS[last], value, 'PX', ARGV[5])

            elseif status == 3 then
                ok = call('SET', KEYS[k + 1], value, 'PX', ARGV[4])

            else
                ok = call('SET', KEYS[k], value, 'PX', ARGV[4])

                if kind == 'u' and not ok.err then
                    ok = call('SET', KEYS[k + 1], value, 'PX', ARGV[4])
                end
            end

            if ok.err then
                answer = { 0, answer, ok.err }
                failed = true

            elseif status then
                answer = { status, answer }
            end

            -- once a call is enough for what is approximate
            maxlen = '0'
            stored = true
        end
    end

    reply[#reply + 1] = answer
    k = last + 1
end

if stored and ARGV[2] ~= '0' then
    local ok

    if not now then
        ok = call('TIME')
        now = not ok.err and ok[1] * 1000 + math.floor(ok[2] / 1000)
    end

    if now then
        ok = call('XTRIM', stream, 'MINID', '=', now - ARGV[2])
    end

    if type(ok) == 'table' and ok.err then
        reply[#reply + 1] = ok.err
        failed = true
    end
end

if failed then

    -- as the command says it; Redis 6.2 puts the script's line before it

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
