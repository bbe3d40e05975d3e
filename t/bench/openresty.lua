-- Copyright (C) nginx-intake contributors

-- What the source "header" does, in Lua, with Debian's packages: the same
-- signature, the same entry, the same script.  setup.lua is written by
-- t/bench/run: the socket, the key, the digest of the script, and how its
-- arguments are made.

local ffi = require "ffi"
local redis = require "nginx.redis"
local setup = require "setup"

ffi.cdef[[
const void *EVP_sha256(void);
unsigned char *HMAC(const void *md, const void *key, int key_len,
    const unsigned char *d, size_t n, unsigned char *out, unsigned *len);
unsigned char *SHA256(const unsigned char *d, size_t n, unsigned char *out);
int CRYPTO_memcmp(const void *a, const void *b, size_t len);
]]

local C = ffi.C
local sha256 = C.EVP_sha256()
local digest = ffi.new("unsigned char[64]")

local var = ngx.var
local tolerance = 3600    -- s

local _M = {}


local function verify(id, timestamp, signatures, body)
    local time = tonumber(timestamp)

    if not time or math.abs(ngx.time() - time) > tolerance then
        return false
    end

    local data = id .. "." .. timestamp .. "." .. body
    local ok = false

    C.HMAC(sha256, setup.key, #setup.key, data, #data, digest, nil)

    for text in signatures:gmatch("v1,(%S+)") do
        local bytes = ngx.decode_base64(text)

        if bytes and #bytes == 32
            and C.CRYPTO_memcmp(bytes, digest, 32) == 0
        then
            ok = true
        end
    end

    return ok
end


-- the first 22 characters of SHA-256 in base64url

local function hash(text)
    C.SHA256(text, #text, digest)

    return (ngx.encode_base64(ffi.string(digest, 32)):sub(1, 22)
            :gsub("[+/]", { ["+"] = "-", ["/"] = "_" }))
end


local function rfc3339(time)
    return os.date("!%Y-%m-%dT%H:%M:%S", time)
           .. string.format(".%06dZ", (time % 1) * 1000000)
end


local function store(id, timestamp, body)
    local connection = redis:new()

    connection:set_timeout(2000)

    local ok, err = connection:connect(setup.socket)

    if not ok then
        return nil, err
    end

    local reply, err = connection:evalsha(setup.sha1, setup.arguments(
        id, hash(id), timestamp, rfc3339(tonumber(timestamp)),
        rfc3339(ngx.now()), body))

    if not reply then
        return nil, err
    end

    connection:set_keepalive(60000, 128)

    return reply[1]
end


function _M.handle()
    ngx.req.read_body()

    local body = ngx.req.get_body_data()
    local id = var.http_webhook_id
    local timestamp = var.http_webhook_timestamp
    local signatures = var.http_webhook_signature

    if not (id and timestamp and signatures and body)
        or not verify(id, timestamp, signatures, body)
    then
        return ngx.exit(401)
    end

    local result, err = store(id, timestamp, body)

    if not result then
        ngx.log(ngx.ERR, "Redis: ", err)
        return ngx.exit(503)
    end

    local entry = type(result) == "table" and result[2] or result

    ngx.header["Content-Type"] = "application/json"
    ngx.print('{"ok":true,"id":"', id, '","entry":"', entry,
              '","duplicate":false}')
end


return _M
