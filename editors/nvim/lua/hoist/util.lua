--- Small things that more than one file needs: words for people, and Neovim's differences between versions.
local M = {}

M.NAME = 'hoist'
local at_least_0_11 = vim.fn.has('nvim-0.11') == 1

--- A module that is read at its first use.
function M.lazy(name)
  return setmetatable({}, {
    __index = function(_, key)
      return require(name)[key]
    end,
  })
end

--- One sentence for the user.
function M.say(sentence, level)
  vim.notify(sentence, level or vim.log.levels.INFO, { title = 'Hoist' })
end

--- A sentence that comes of itself, cut so that it never asks for a key press.
function M.mention(sentence, level)
  local line = sentence:gsub('%s+', ' ')
  local room = math.max(vim.o.columns - 16, 20)
  if vim.fn.strdisplaywidth(line) > room then
    line = vim.fn.strcharpart(line, 0, room - 1) .. '…'
  end
  M.say(line, level)
end

local function stopped(client)
  if at_least_0_11 then
    return client:is_stopped()
  end
  return client.is_stopped()
end

--- A running client: the one with that id, else one of that buffer, else, without a buffer, any.
---@param id integer|nil
---@param buf integer|nil
---@return vim.lsp.Client|nil
function M.client(id, buf)
  local by_id = id and vim.lsp.get_client_by_id(id)
  if by_id and not stopped(by_id) then
    return by_id
  end
  return vim.lsp.get_clients({ name = M.NAME, bufnr = buf })[1]
end

--- `client:request` of every Neovim.
function M.request(client, method, params, handler, buf)
  if at_least_0_11 then
    return client:request(method, params, handler, buf)
  end
  return client.request(method, params, handler, buf)
end

--- `client:notify` of every Neovim.
function M.notify(client, method, params)
  if at_least_0_11 then
    return client:notify(method, params)
  end
  return client.notify(method, params)
end

local ENDS = { succeeded = true, failed = true, cancelled = true, timed_out = true, lost = true }

--- Whether the job is at its end.
function M.ended(job)
  return ENDS[job.state] == true
end

local WORDS = { timed_out = 'ran out of time' }

--- The state as one says it: "timed_out" is for programs.
function M.state_words(state)
  return WORDS[state] or state
end

--- 0.4 s, 12 s, 3 min 05 s, 2 h 14 min
function M.duration(seconds)
  if seconds < 9.95 then
    return ('%.1f s'):format(seconds)
  elseif seconds < 59.5 then
    return ('%.0f s'):format(seconds)
  end
  local whole = math.floor(seconds + 0.5)
  if whole < 3600 then
    return ('%d min %02d s'):format(math.floor(whole / 60), whole % 60)
  end
  return ('%d h %02d min'):format(math.floor(whole / 3600), math.floor(whole % 3600 / 60))
end

--- How long the job ran, or has run so far; nil before its start.
function M.took(job)
  local seconds = M.seconds(job)
  if not seconds then
    return nil
  end
  -- What still runs is shown once a second, so tenths would only be wrong.
  return M.ended(job) and M.duration(seconds) or seconds < 60 and ('%d s'):format(seconds) or M.duration(seconds)
end

--- The same in seconds.
function M.seconds(job)
  if job.wallSeconds then
    return job.wallSeconds
  end
  if not job.started then
    return nil
  end
  local stop = job.ended
  if not stop then
    local now, micro = vim.uv.gettimeofday()
    stop = now * 1000 + micro / 1000
  end
  return math.max(0, (stop - job.started) / 1000)
end

--- `train(lr=0.1)`; a range of lines stays `lines 12-30`.
function M.call(job)
  if job.entry:match('^%d') then
    return 'lines ' .. job.entry
  end
  return ('%s(%s)'):format(job.name, job.args or '')
end

--- `: ValueError: no such file`, or nothing when nobody knows why.
function M.why(job)
  if job.error then
    local message = job.error.message or ''
    return ': ' .. job.error.type .. (message ~= '' and ': ' .. message or '')
  end
  return job.reason and ': ' .. job.reason or ''
end

--- The file on this machine that a traceback's name means, nil when there is none.
function M.local_path(job, file)
  for _, frame in ipairs(job and job.error and job.error.frames or {}) do
    if frame.file == file and frame.uri then
      return vim.uri_to_fname(frame.uri)
    end
  end
  if file:match('^/') or file:match('^%a:[\\/]') then
    return vim.uv.fs_stat(file) and file or nil
  end
  local folder = job and job.uri and vim.fs.dirname(vim.uri_to_fname(job.uri))
  while folder do
    local path = vim.fs.joinpath(folder, file)
    if vim.uv.fs_stat(path) then
      return path
    end
    local parent = vim.fs.dirname(folder)
    folder = parent ~= folder and parent or nil
  end
end

return M
