--
-- Copyright (C) nginx-intake contributors
--
-- Feeds the clocks of a source with what is reported to intake_replies, and
-- says what was measured.
--
-- Parts: clock pause wait
--
-- KEYS      those at the top of parts/clock.lua, the first being the stream;
--           then for each item the conversation's, that of its id (has 1),
--           that of the event it names (has 2), and for a merge that of the
--           conversation to merge into.  An item that names an event has its
--           conversation by the event's key, else the one whose key is given:
--           that of the event's own id
--
-- ARGV      CONF; then each item: a MESSAGE, whose kind may also be merge, and
--           its id as text
--
-- The reply has an array for each item, in order, and the text of an error as
-- one more if the counters and marks could not be written:
--
--   {STATE, RESPONSE, BUSINESS, MET, DUE, TIER}
--
--   STATE     waiting, answered, answered_waiting, orphan, ignored, paused,
--             closed, merged, duplicate; or unknown_conversation,
--             unknown_event, unknown_into, and nothing was done
--   RESPONSE  ms that the customer has waited for this answer; -1: none
--   BUSINESS  the same by the business clock
--   MET       1 if the target was met, 0 if not, -1: nothing was answered
--   DUE       reading of the deadline, of the wait that goes on, or else of
--             the one that was answered; -1: none
--   TIER      number of the tier whose clock reads so; -1: none
--
--   {"error", TEXT}
--
-- inbound alone makes a conversation that is not known.  But what is said of
-- one that is not known may have come before its message: it is kept, for as
-- long as a mark, so that the message finds it.  It is not marked, and not
-- counted, and whoever said it may say it again.
--


local c, reply = clocks(1), {}


-- The conversation of the item at ARGV[p], or nil and what is not known.

local function find(k, p, has, raw)
    if has >= 2 then
        local member = redis.call('GET', KEYS[k + 1 + has % 2])

        if member then
            local v = read(c, c.prefix .. 'c:' .. member)

            if v.ref then
                return v
            end
        end
    end

    local v = unpacked(c, KEYS[k], raw)

    if v.ref or ARGV[p] == 'inbound' and has < 2 then
        v.ref = v.ref or ARGV[p + 4]
        return v
    end

    return nil, has >= 2 and 'unknown_event' or 'unknown_conversation'
end


-- What is said of a conversation that is not known: what it counts is dropped.

local function foresee(k, p, raw)
    local v, counts = unpacked(c, KEYS[k], raw), c.counts

    c.counts = {}
    feed(c, v, p)
    c.counts = counts

    if v.l or v.Z[1] then
        v.ref = false
        save(c, v)
    end
end


local function into(v, key, p)
    local other = read(c, key)

    if not other.ref then
        return 'unknown_into'
    end

    count(c, 'ev:merge')

    if other.key == v.key then
        return 'ignored'
    end

    local answer = { merge(c, v, other) }

    save(c, v)
    save(c, other)

    return unpack(answer)
end


local function take(k, p, has)
    local id, before, raw = ARGV[p + 6 + c.n], known(c, p, k)
    local answer

    if before then
        return { 'duplicate' }
    end

    local v, unknown = find(k, p, has, raw)

    if not v then
        if has < 2 then
            foresee(k, p, raw)
        end

        return { unknown }
    end

    if ARGV[p] == 'merge' then
        answer = { into(v, KEYS[k + 1 + has % 2 + (has >= 2 and 1 or 0)], p) }

        if answer[1] == 'unknown_into' then
            return answer
        end

    else
        answer = { feed(c, v, p, id) }

        if answer[1] ~= 'ignored' or v.Z[1] then
            save(c, v)
        end
    end

    if has % 2 == 1 then
        mark(c, k + 1, 1, c.ttl)
    end

    return answer
end


local size = 7 + c.n

for p = c.rest, #ARGV, size do
    if not valid(c, p) then
        return redis.error_reply('ERR the item at ' .. p)
    end
end

local k = c.keys

for p = c.rest, #ARGV, size do
    local has = tonumber(ARGV[p + 3]) % 4
    local answer, err = try(take, k, p, has)

    if answer then
        for i = 2, 6 do
            answer[i] = answer[i] or -1
        end

    else
        answer = { 'error', err }
    end

    reply[#reply + 1] = answer
    k = k + 1 + has % 2 + (has >= 2 and 1 or 0)
        + (ARGV[p] == 'merge' and 1 or 0)
end

local ok, err = try(flush, c)

if not ok then
    reply[#reply + 1] = err
end

return reply
