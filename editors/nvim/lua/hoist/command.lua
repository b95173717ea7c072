--- `:Hoist ACTION [WORDS]`, its actions and their completion.
local api = vim.api
local jobs = require('hoist.jobs')
local output = require('hoist.output')
local run = require('hoist.run')
local server = require('hoist.server')
local util = require('hoist.util')

local M = {}

--- The job that the words name (its ULID, or the start or end of it), nil without words.
local function named(words)
  for _, job in ipairs(jobs.all()) do
    if job.job == words or (#words >= 4 and (vim.startswith(job.job, words) or vim.endswith(job.job, words))) then
      return job
    end
  end
end

local function here()
  return vim.uri_from_bufnr(0)
end

--- The job that the window at the cursor shows, when it shows one.
local function shown()
  return jobs.get(api.nvim_buf_get_name(0):match('^hoist://(%w+)/') or '')
end

local function job_names(unfinished)
  return vim.tbl_map(function(job)
    return job.job
  end, unfinished and jobs.unfinished() or jobs.all())
end

--- An action about the job that the words name, else the newest of this file, else the newest.
local function of_job(act)
  return {
    act = function(words)
      server.with_client(function()
        jobs.refresh(function()
          local uri = here()
          local all = jobs.all()
          local job = words ~= '' and named(words)
          if words ~= '' and not job then
            return util.say(('There is no job %s.'):format(words), vim.log.levels.WARN)
          end
          job = job or vim.tbl_filter(function(one)
            return one.uri == uri
          end, all)[1] or all[1]
          if not job then
            return util.say('Nothing has run yet.', vim.log.levels.INFO)
          end
          act(job.job)
        end)
      end)
    end,
    complete = function()
      return job_names()
    end,
  }
end

---@class hoist.Action
---@field act fun(words: string, range: { first: integer, last: integer }|nil)
---@field complete (fun(lead: string): string[])|nil
---@type table<string, hoist.Action>
local actions = {
  run = {
    act = function(words, range)
      local entry = words ~= '' and words or nil
      if range then
        entry = range.first == range.last and tostring(range.first) or ('%d-%d'):format(range.first, range.last)
      end
      run.start({ command = 'hoist.run', entry = entry })
    end,
    complete = function()
      local client = util.client(nil, api.nvim_get_current_buf())
      local entries
      if client then
        run.entries(client, api.nvim_get_current_buf(), function(found)
          entries = found
        end)
        vim.wait(1000, function()
          return entries ~= nil
        end, 10)
      end
      return vim.tbl_map(function(entry)
        return entry.entry
      end, entries or {})
    end,
  },
  args = {
    act = function(words)
      if words ~= '' then
        run.start({ command = 'hoist.run', args = words })
      else
        run.start({ command = 'hoist.runWith' })
      end
    end,
  },
  on = {
    act = function(words)
      if words ~= '' then
        run.start({ command = 'hoist.run', target = words })
      else
        run.start({ command = 'hoist.runOn' })
      end
    end,
    complete = function()
      return M.targets()
    end,
  },
  sweep = {
    act = function(words)
      run.start({ command = 'hoist.runSweep', values = words ~= '' and words or nil })
    end,
  },
  map = {
    act = function(words)
      local items = words ~= '' and vim.uri_from_fname(vim.fn.fnamemodify(vim.fn.expand(words), ':p')) or nil
      run.start({ command = 'hoist.runMap', items = items })
    end,
    -- Folders to go on with, and files of items.
    complete = function(lead)
      return vim.tbl_filter(function(path)
        return vim.endswith(path, '/') or path:find('%.jsonl$') or path:find('%.ndjson$')
      end, vim.fn.getcompletion(lead, 'file'))
    end,
  },
  again = {
    act = function(words)
      server.with_client(function()
        jobs.refresh(function()
          local job = words ~= '' and named(words) or jobs.all()[1]
          if not job then
            return util.say('Nothing has run yet that could run again.', vim.log.levels.INFO)
          end
          jobs.again(job.job)
        end)
      end)
    end,
    complete = job_names,
  },
  cancel = {
    act = function(words)
      if words ~= '' then
        local job = named(words)
        if not job then
          return util.say(('There is no job %s.'):format(words), vim.log.levels.WARN)
        end
        return jobs.cancel(job.job)
      end
      if shown() then
        return jobs.cancel(shown().job)
      end
      local running = jobs.unfinished(here())
      if #running == 0 then
        running = jobs.unfinished()
      end
      if #running == 0 then
        return util.say('No job is running.', vim.log.levels.INFO)
      end
      jobs.choose(running, 'Cancel:', function(job)
        jobs.cancel(job.job)
      end)
    end,
    complete = function()
      return job_names(true)
    end,
  },
  output = of_job(function(job)
    output.show(job)
  end),
  result = of_job(function(job)
    jobs.result(job)
  end),
  files = of_job(function(job)
    jobs.files(job)
  end),
  jobs = {
    act = function()
      server.with_client(jobs.open)
    end,
  },
  target = {
    act = function(words)
      local function set(target)
        server.set_target(target)
        util.say(('Hoist runs on %s from now on.'):format(target), vim.log.levels.INFO)
      end
      if words == '' then
        return run.choose_target(set)
      end
      local targets = M.targets()
      if #targets > 0 and not vim.tbl_contains(targets, words) then
        return util.say(('There is no target %s; there are %s.'):format(words, table.concat(targets, ', ')), vim.log.levels.ERROR)
      end
      set(words)
    end,
    complete = function()
      return M.targets()
    end,
  },
  connect = {
    act = function(words)
      server.with_client(function(client)
        local wanted = { target = words ~= '' and words or nil, uri = vim.bo.buftype == '' and here() or nil }
        -- What comes of it, a refusal too, is shown by the server itself.
        util.request(client, 'workspace/executeCommand', {
          command = 'hoist.connect',
          arguments = { next(wanted) and wanted or vim.empty_dict() },
        }, function() end)
      end)
    end,
    complete = function()
      return M.targets()
    end,
  },
  package = {
    act = function(words)
      run.start({ command = 'hoist.showPackage', entry = words ~= '' and words or nil })
    end,
  },
  script = {
    act = function(words)
      run.start({ command = 'hoist.showScript', entry = words ~= '' and words or nil })
    end,
  },
  log = {
    act = function()
      local path = vim.lsp.log and vim.lsp.log.get_filename() or vim.lsp.get_log_path()
      vim.cmd('botright split ' .. vim.fn.fnameescape(path))
      vim.cmd('normal! G')
    end,
  },
  restart = { act = server.restart },
}

--- The names of the targets that the configuration knows; empty when no server runs.
---@return string[]
function M.targets()
  local client = util.client(nil, api.nvim_get_current_buf()) or util.client()
  if not client then
    return {}
  end
  local targets
  util.request(client, 'hoist/targets', { uri = vim.bo.buftype == '' and here() or nil }, function(_, found)
    targets = found or {}
  end)
  vim.wait(1000, function()
    return targets ~= nil
  end, 10)
  return vim.tbl_map(function(target)
    return target.name
  end, targets or {})
end

local function starting_with(words, start)
  local found = vim.tbl_filter(function(word)
    return vim.startswith(word, start)
  end, words)
  return found
end

--- The words that may follow, as `nvim_create_user_command` asks for them.
function M.complete(lead, line)
  local rest = line:gsub("^.*Hoist!?%s+", '')
  local action = rest:match('^(%S+)%s')
  if not action then
    local names = vim.tbl_keys(actions)
    table.sort(names)
    return starting_with(names, lead)
  end
  local entry = actions[action]
  return entry and entry.complete and starting_with(entry.complete(lead), lead) or {}
end

--- Does what a `:Hoist` line says.
function M.execute(options)
  local name, words = options.args:match('^(%S*)%s*(.-)%s*$')
  if name == '' then
    name = options.range > 0 and 'run' or 'jobs'
  end
  local action = actions[name]
  if not action then
    local names = vim.tbl_keys(actions)
    table.sort(names)
    return util.say((':Hoist knows no "%s"; it knows %s.'):format(name, table.concat(names, ', ')), vim.log.levels.ERROR)
  end
  if options.range > 0 and name ~= 'run' then
    return util.say((':Hoist %s takes no range of lines.'):format(name), vim.log.levels.ERROR)
  end
  action.act(words, options.range > 0 and { first = options.line1, last = options.line2 } or nil)
end

return M
