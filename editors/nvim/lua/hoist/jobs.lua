--- The jobs as the server tells of them, the buffer that lists them, and what can be done with them.
local api = vim.api
local config = require('hoist.config')
local output = require('hoist.output')
local util = require('hoist.util')

local M = {}

---@type table<string, table> every job that was heard of, in the shape of `hoist/jobChanged`
local known = {}
local namespace = api.nvim_create_namespace('hoist.jobs')
local list = { buf = nil, rows = {} }
local clock

--- A job by its name.
---@return table|nil
function M.get(job)
  return known[job]
end

--- All jobs that were heard of, the newest first.
---@return table[]
function M.all()
  local found = vim.tbl_values(known)
  table.sort(found, function(a, b)
    if a.created ~= b.created then
      return a.created > b.created
    end
    return a.job > b.job
  end)
  return found
end

--- The jobs that are not at their end, the newest first; with a URI only those of that document.
---@param uri string|nil
function M.unfinished(uri)
  return vim.tbl_filter(function(job)
    return not util.ended(job) and (not uri or job.uri == uri)
  end, M.all())
end

local highlight_of = {
  succeeded = 'HoistSucceeded',
  failed = 'HoistFailed',
  timed_out = 'HoistFailed',
  lost = 'HoistFailed',
  cancelled = 'HoistNote',
}

local function when(milliseconds)
  local at = math.floor(milliseconds / 1000)
  if os.date('%Y-%m-%d', at) == os.date('%Y-%m-%d') then
    return os.date('%H:%M:%S', at)
  end
  return os.date('%d %b %H:%M', at)
end

local function one_line(text)
  return (text:gsub('%s+', ' '))
end

--- Text to that width, in screen cells.
local function fit(text, width)
  text = one_line(text)
  if vim.fn.strdisplaywidth(text) > width then
    text = vim.fn.strcharpart(text, 0, width - 1) .. '…'
  end
  return text .. (' '):rep(width - vim.fn.strdisplaywidth(text))
end

-- The list is drawn anew every second while something runs.
local MOST_ROWS = 500
local HEADER = { ('%s %s %s %s %s'):format(fit('State', 15), fit('Function', 30), fit('Target', 12), fit('Started', 12), fit('Took', 11) .. ' Result') }

local function draw_list()
  local buf = list.buf
  if not buf or not api.nvim_buf_is_valid(buf) then
    return
  end
  local wins = vim.fn.win_findbuf(buf)
  local chosen = {}
  for _, win in ipairs(wins) do
    chosen[win] = list.rows[api.nvim_win_get_cursor(win)[1]]
  end
  local lines, rows, marks = vim.list_slice(HEADER), {}, {}
  local all = M.all()
  for number, job in ipairs(all) do
    if number > MOST_ROWS then
      lines[#lines + 1] = ('and %d older ones; "hoist jobs" in a shell lists them'):format(#all - MOST_ROWS)
      break
    end
    local outcome = job.result and job.result.repr or util.why(job):gsub('^: ', '')
    if not util.ended(job) and job.message then
      outcome = job.message
    end
    lines[#lines + 1] = vim.trim(('%s %s %s %s %s %s'):format(
      fit(util.state_words(job.state), 15),
      fit(util.call(job), 30),
      fit(job.target, 12),
      fit(when(job.created), 12),
      fit(util.took(job) or '', 11),
      fit(outcome, 60)
    ))
    rows[#lines] = job.job
    marks[#marks + 1] = { #lines - 1, #util.state_words(job.state), highlight_of[job.state] or 'HoistRunning' }
  end
  if #lines == 1 then
    lines[2] = 'There are no jobs yet.'
  end
  vim.bo[buf].modifiable = true
  api.nvim_buf_set_lines(buf, 0, -1, false, lines)
  vim.bo[buf].modifiable = false
  vim.bo[buf].modified = false
  api.nvim_buf_clear_namespace(buf, namespace, 0, -1)
  api.nvim_buf_set_extmark(buf, namespace, 0, 0, { end_row = 1, end_col = 0, hl_group = 'HoistTitle' })
  for _, mark in ipairs(marks) do
    api.nvim_buf_set_extmark(buf, namespace, mark[1], 0, { end_col = mark[2], hl_group = mark[3] })
  end
  list.rows = rows
  for _, win in ipairs(wins) do
    -- The cursor stays on its job; on the headings it is of no use.
    local line, column = unpack(api.nvim_win_get_cursor(win))
    for row, job in pairs(rows) do
      line = job == chosen[win] and row or line
    end
    api.nvim_win_set_cursor(win, { math.min(math.max(line, 2), #lines), column })
  end
end

--- A second's tick while something that runs is on the screen, and none otherwise.
local function tick()
  local shown = list.buf and api.nvim_buf_is_valid(list.buf) and #vim.fn.win_findbuf(list.buf) > 0
  local wanted = false
  for _, job in ipairs(output.visible()) do
    if known[job] and not util.ended(known[job]) then
      wanted = true
      output.redraw_title(job)
    end
  end
  if shown then
    draw_list()
    wanted = wanted or #M.unfinished() > 0
  end
  if wanted and not clock then
    clock = vim.uv.new_timer()
    clock:start(1000, 1000, vim.schedule_wrap(tick))
  elseif not wanted and clock then
    clock:stop()
    clock:close()
    clock = nil
  end
end

local function tell_end(job)
  if not config.get().notify then
    return
  end
  local took = job.wallSeconds and (' in ' .. util.duration(job.wallSeconds)) or ''
  local levels = vim.log.levels
  if job.state == 'succeeded' then
    util.mention(('Hoist: %s on %s%s: %s'):format(util.call(job), job.target, took, job.result and job.result.repr or 'done'), levels.INFO)
  else
    local level = job.state == 'cancelled' and levels.INFO or levels.ERROR
    util.mention(('Hoist: %s on %s %s%s%s'):format(util.call(job), job.target, util.state_words(job.state), took, util.why(job)), level)
  end
end

--- A job changed (`hoist/jobChanged`).
---@param job table
---@param client_id integer
---@param since number the client's start, in milliseconds: jobs made after it were made here
function M.changed(job, client_id, since)
  local before = known[job.job]
  -- Two servers may tell of the same job; a late word of the slower one does not wake the dead.
  if before and util.ended(before) and not util.ended(job) then
    return
  end
  job.client_id = client_id
  known[job.job] = job
  if not before and job.created >= since and not util.ended(job) then
    if config.get().output.open then
      output.show(job.job)
    else
      output.gather(job.job)
    end
  end
  output.changed(job.job)
  -- Of jobs of earlier sessions those that end now, not those that had ended long ago.
  if util.ended(job) and not (before and util.ended(before)) and (before or job.created >= since) then
    tell_end(job)
  end
  tick()
  vim.cmd.redrawstatus()
  api.nvim_exec_autocmds('User', { pattern = 'HoistJobChanged', modeline = false, data = job })
end

--- Asks every server for its jobs.
---@param done fun()
function M.refresh(done)
  local clients = vim.lsp.get_clients({ name = util.NAME })
  local open = #clients
  if open == 0 then
    return done()
  end
  for _, client in ipairs(clients) do
    util.request(client, 'hoist/jobs', vim.empty_dict(), function(_, jobs)
      for _, job in ipairs(jobs or {}) do
        local before = known[job.job]
        if not before or not util.ended(before) then
          job.client_id = before and before.client_id or client.id
          known[job.job] = job
        end
      end
      open = open - 1
      if open == 0 then
        done()
      end
    end)
  end
end

local function execute(job, command)
  local client = util.client(job.client_id)
  if not client then
    return util.say('The Hoist server is not running; open a Python file to start it.', vim.log.levels.WARN)
  end
  -- A refusal is shown by the server itself.
  util.request(client, 'workspace/executeCommand', { command = command, arguments = { { job = job.job } } }, function() end)
end

--- Ends a job.
---@param name string
function M.cancel(name)
  local job = known[name]
  if not job then
    return util.say(('There is no job %s.'):format(name), vim.log.levels.WARN)
  elseif util.ended(job) then
    return util.say(('%s on %s has %s already.'):format(util.call(job), job.target, ({
      succeeded = 'succeeded', failed = 'failed', cancelled = 'been cancelled', timed_out = 'run out of time', lost = 'been lost',
    })[job.state]), vim.log.levels.INFO)
  end
  execute(job, 'hoist.cancel')
end

--- Runs a job's function once more, from the text as it is now.
---@param name string
function M.again(name)
  execute(known[name], 'hoist.rerun')
end

--- Shows what a job gave and left, as a page.
---@param name string
function M.result(name)
  execute(known[name], 'hoist.showResult')
end

--- Opens a file that a job left; the server asks which, and fetches it where it is not here.
---@param name string
function M.files(name)
  execute(known[name], 'hoist.openFiles')
end

--- Lets the user choose among jobs; with only one there is nothing to choose.
---@param jobs table[]
---@param prompt string
---@param done fun(job: table)
function M.choose(jobs, prompt, done)
  if #jobs == 1 then
    return done(jobs[1])
  end
  vim.ui.select(jobs, {
    prompt = prompt,
    format_item = function(job)
      return ('%s on %s, %s, %s'):format(util.call(job), job.target, util.state_words(job.state), when(job.created))
    end,
  }, function(job)
    if job then
      done(job)
    end
  end)
end

local function set_list_keys(buf)
  local function key(keys, what, action)
    vim.keymap.set('n', keys, function()
      local job = list.rows[api.nvim_win_get_cursor(0)[1]]
      if job then
        action(job)
      end
    end, { buffer = buf, desc = 'Hoist: ' .. what, nowait = true })
  end
  key('<CR>', 'show what this job printed', function(job)
    output.show(job, true)
  end)
  key('c', 'cancel this job', M.cancel)
  key('r', 'run this once more', M.again)
  key('s', 'show its result', M.result)
  key('f', 'open a file that it left', M.files)
  vim.keymap.set('n', 'q', function()
    if #api.nvim_tabpage_list_wins(0) > 1 then
      api.nvim_win_close(0, false)
    end
  end, { buffer = buf, desc = 'Hoist: close the list', nowait = true })
end

--- Opens the list of jobs in a split of its own, the cursor on the newest.
function M.open()
  if not list.buf or not api.nvim_buf_is_valid(list.buf) then
    local buf = api.nvim_create_buf(false, true)
    list.buf = buf
    api.nvim_buf_set_name(buf, 'hoist://jobs')
    vim.bo[buf].bufhidden = 'hide'
    vim.bo[buf].undolevels = -1
    vim.bo[buf].modifiable = false
    vim.bo[buf].filetype = 'hoistjobs'
    set_list_keys(buf)
  end
  local shown, opened
  for _, win in ipairs(api.nvim_tabpage_list_wins(0)) do
    if api.nvim_win_get_buf(win) == list.buf then
      shown = win
    end
  end
  if shown then
    api.nvim_set_current_win(shown)
  else
    local win = api.nvim_open_win(list.buf, true, { split = 'below', win = -1, height = config.get().output.height })
    opened = win
    for option, value in pairs({ number = false, relativenumber = false, signcolumn = 'no', wrap = false, cursorline = true, winfixheight = true }) do
      api.nvim_set_option_value(option, value, { scope = 'local', win = win })
    end
    api.nvim_set_option_value('winbar', '%#HoistTitle# Hoist jobs %#HoistNote# <Enter> output   s result   f files   c cancel   r run again   q close', { scope = 'local', win = win })
  end
  M.refresh(function()
    draw_list()
    -- As high as it needs, with the line of keys above; other windows give way.
    if opened and api.nvim_win_is_valid(opened) then
      api.nvim_win_set_height(opened, math.min(config.get().output.height, api.nvim_buf_line_count(list.buf) + 2))
    end
    tick()
  end)
end

return M
