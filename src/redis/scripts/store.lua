--
-- Copyright (C) nginx-intake contributors
--
-- Stores deliveries of one source in one stream, each at most once.
--
-- A call carries 1 to 64 deliveries, so that those of one turn of the event
-- loop share the cost of entering Lua.  Runs on Redis 6.2 and newer and on
-- Valkey, alone or in a cluster: every key is in KEYS, and all keys of a call
-- share a hash tag.  Commands used: GET MGET XADD SET, TIME when a hit has to
-- be aged or entries have to be, XTRIM for the latter.
--
-- KEYS[1]   the stream; then for each delivery, in order, by its KIND:
--
--   k       one key that stands for the event: a signed id, the digest of a
--           body, a form's data; an unsigned id whose body is empty (an empty
--           body is never a key)
--   u       two keys: the unsigned id's, and the body digest's
--   o       one key, the delivery's own: it has no duplicates, only resends
--
--           With on_duplicate=mark k and u have the delivery's own key as one
--           more, the last.
--
-- ARGV[1]   maxlen of the stream, 0 for none; approximate
-- ARGV[2]   age in ms that an entry may reach, 0 for none; exact
-- ARGV[3]   window in ms within which an event is a duplicate
-- ARGV[4]   time to live of a k or u key in ms, > 0
-- ARGV[5]   time to live of an own key in ms, > 0
-- ARGV[6]   on_duplicate: drop or mark
-- ARGV[7]   durable: 1 if WAIT or WAITAOF follows, else 0.  It covers the
--           writes of its connection only, so that a duplicate has to make
--           one: the key that was hit is then written again as it was
-- ARGV[8]   the field source
--
--           then 15 for each delivery, the last 14 of them fields of the entry:
--
--   1 KIND  2 id  3 type  4 time  5 datacontenttype  6 subject
--   7 recordedtime  8 intakekey  9 intakeverify  10 intakekeyid  11 intakeip
--   12 intakeheaders  13 intakespam  14 intakefiles  15 data
--
--           An empty one is left out of the entry, except data.
--
-- The value of a key is "ENTRY RECORDEDTIME ID".  A value that reads otherwise
-- counts as no hit, and so does one older than the window, by the time in
-- ENTRY against the server's.  A hit with the delivery's own recordedtime and
-- id, however old, is the delivery itself, sent or replayed again: it gets the
-- answer that it got, or would have got, before.
--
-- Keys are written after the entry: nothing is rolled back, and a key without
-- its entry would turn the platform's retry into a duplicate of nothing.
--
-- The reply has one element for each delivery, in order:
--
--   ENTRY              stored
--   {0, ENTRY, TEXT}   stored, but a key could not be written: TEXT says why
--   {1, ENTRY, ID}     a duplicate, not stored; the first's entry and id
--   {2, ENTRY}         a duplicate, stored with intakedup; its own entry
--   {3, ENTRY}         an unsigned id with another body, stored with intakedup
--   {-1, TEXT}         not stored; the text of the error
--
-- and one more, a string, the text of the error, if the stream could not be
-- trimmed.  An error instead of the array means that nothing of the call was
-- stored.
--

local KEYS, ARGV, call, unpack = KEYS, ARGV, redis.pcall, unpack
local stream, maxlen, age = KEYS[1], ARGV[1], ARGV[2]
local ttl, mark = ARGV[4], ARGV[6] == 'mark'
local now


-- the server's time in ms, read once; or nil and an error

local function time()
    if not now then
        local t = call('TIME')

        if t.err then
            return nil, t.err
        end

        now = t[1] * 1000 + t[2] / 1000
    end

    return now
end


local function parse(value)
    if type(value) ~= 'string' then
        return
    end

    local ms, seq, recorded, id = string.match(value,
                                               '^(%d+)%-(%d+) (%S+) (.*)$')
    return ms and { ms = ms, entry = ms .. '-' .. seq, recorded = recorded,
                    id = id }
end


-- the answer to a delivery that is not stored, for the hit in key

local function answer(status, hit, key, value)
    if ARGV[7] == '1' then
        local ok = call('SET', key, value, 'KEEPTTL')

        if ok.err then
            return { -1, ok.err }
        end
    end

    if status == 0 then
        return hit.entry
    end

    return { status, hit.entry, status == 1 and hit.id or nil }
end


-- what the values of a delivery's keys, KEYS[k] and on, say of it: its answer,
-- or nil, the status that it will have and the entry that it repeats

local function judge(kind, k, values, recorded, id)
    local hits, young = {}, {}

    for i, value in ipairs(values) do
        local hit = parse(value)

        if hit and hit.recorded == recorded and hit.id == id then
            local status = 2

            if i == 1 then
                status = 0

            elseif kind == 'u' and i == 2 then
                status = hits[1] and 3 or 0
            end

            return answer(status, hit, KEYS[k + i - 1], value)
        end

        if hit and kind ~= 'o' then
            local ms, err = time()

            if err then
                return { -1, err }
            end

            young[i] = ms - hit.ms < tonumber(ARGV[3])
        end

        hits[i] = hit
    end

    local i = kind == 'u' and 2 or 1

    if young[i] then
        if mark then
            return nil, 2, hits[i].entry
        end

        return answer(1, hits[i], KEYS[k + i - 1], values[i])
    end

    if young[1] then
        return nil, 3, hits[1].entry
    end
end


-- the entry: every field has room, absent ones are closed up
local f = {
    'specversion', '1.0', 'id', '', 'source', ARGV[8], 'type', '', 'time', '',
    'datacontenttype', '', 'subject', '', 'recordedtime', '',
    'intakeversion', '', 'intakekey', '', 'intakedup', '',
    'intakeverify', '', 'intakekeyid', '', 'intakeip', '',
    'intakeheaders', '', 'intakespam', '', 'intakefiles', '', 'data', ''
}

local reply, nreply, k, stored = {}, 0, 2, false

for a = 9, #ARGV, 15 do
    local kind, id, recorded = ARGV[a], ARGV[a + 1], ARGV[a + 6]
    local nkeys = kind == 'u' and 2 or 1
    local done, status, first

    if mark and kind ~= 'o' then
        nkeys = nkeys + 1
    end

    local values = call('MGET', unpack(KEYS, k, k + nkeys - 1))

    if values.err then
        done = { -1, values.err }

    elseif values[1] or values[2] or values[3] then
        done, status, first = judge(kind, k, values, recorded, id)
    end

    if not done then
        f[4], f[8], f[10] = id, ARGV[a + 2], ARGV[a + 3]

        local n, v = 10, ARGV[a + 4]

        if v ~= '' then
            f[11], f[12], n = 'datacontenttype', v, 12
        end

        v = ARGV[a + 5]

        if v ~= '' then
            f[n + 1], f[n + 2], n = 'subject', v, n + 2
        end

        f[n + 1], f[n + 2] = 'recordedtime', recorded
        f[n + 3], f[n + 4] = 'intakeversion', '1'
        f[n + 5], f[n + 6] = 'intakekey', ARGV[a + 7]
        n = n + 6

        if first then
            f[n + 1], f[n + 2], n = 'intakedup', first, n + 2
        end

        f[n + 1], f[n + 2], n = 'intakeverify', ARGV[a + 8], n + 2
        v = ARGV[a + 9]

        if v ~= '' then
            f[n + 1], f[n + 2], n = 'intakekeyid', v, n + 2
        end

        v = ARGV[a + 10]

        if v ~= '' then
            f[n + 1], f[n + 2], n = 'intakeip', v, n + 2
        end

        v = ARGV[a + 11]

        if v ~= '' then
            f[n + 1], f[n + 2], n = 'intakeheaders', v, n + 2
        end

        v = ARGV[a + 12]

        if v ~= '' then
            f[n + 1], f[n + 2], n = 'intakespam', v, n + 2
        end

        v = ARGV[a + 13]

        if v ~= '' then
            f[n + 1], f[n + 2], n = 'intakefiles', v, n + 2
        end

        f[n + 1], f[n + 2] = 'data', ARGV[a + 14]

        local entry

        if maxlen == '0' then
            entry = call('XADD', stream, '*', unpack(f, 1, n + 2))

        else
            entry = call('XADD', stream, 'MAXLEN', '~', maxlen, '*',
                         unpack(f, 1, n + 2))
        end

        if entry.err then
            done = { -1, entry.err }

        else
            local value, ok = entry .. ' ' .. recorded .. ' ' .. id

            if status == 2 then
                ok = call('SET', KEYS[k + nkeys - 1], value, 'PX', ARGV[5])

            elseif status == 3 then
                ok = call('SET', KEYS[k + 1], value, 'PX', ttl)

            elseif kind == 'o' then
                ok = call('SET', KEYS[k], value, 'PX', ARGV[5])

            else
                ok = call('SET', KEYS[k], value, 'PX', ttl)

                if kind == 'u' and not ok.err then
                    ok = call('SET', KEYS[k + 1], value, 'PX', ttl)
                end
            end

            stored = true

            if ok.err then
                done = { 0, entry, ok.err }

            elseif status then
                done = { status, entry }

            else
                done = entry
            end
        end
    end

    nreply = nreply + 1
    reply[nreply] = done
    k = k + nkeys
end

if stored and age ~= '0' then
    local ms, err = time()

    if ms then
        err = call('XTRIM', stream, 'MINID', '=', ms - age)
        -- an integer, or an error
    end
end

return reply
