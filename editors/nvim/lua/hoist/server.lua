--- Starts `hoist lsp` for Python files, and wires what the server sends to the files that show it.
local api = vim.api
local config = require('hoist.config')
local util = require('hoist.util')

-- This file is read at the start of every Neovim; what only a running server needs is read when it is needed.
local ask = util.lazy('hoist.ask')
local document = util.lazy('hoist.document')
local jobs = util.lazy('hoist.jobs')
local keys = util.lazy('hoist.keys')
local lens = util.lazy('hoist.lens')
local output = util.lazy('hoist.output')

local M = {}

local WINDOWS = vim.fn.has('win32') == 1
local PROGRAM = WINDOWS and 'hoist.exe' or 'hoist'

--- Where this plugin lies, links followed: it may be linked into a package folder out of Hoist's repository.
local function repository()
  local here = debug.getinfo(1, 'S').source:sub(2)
  here = vim.uv.fs_realpath(here) or here
  return vim.fs.dirname(vim.fs.dirname(vim.fs.dirname(vim.fs.dirname(vim.fs.dirname(here)))))
end

--- The command line that starts the server.
---@return string[]|nil command
---@return string sentence where it was found, or why it was not
function M.command()
  local given = config.get().cmd
  if given then
    local command = type(given) == 'string' and { vim.fs.normalize(given), 'lsp' } or vim.deepcopy(given)
    if type(command[1]) == 'string' and vim.fn.executable(command[1]) == 1 then
      return command, 'vim.g.hoist.cmd'
    end
    return nil, ('vim.g.hoist.cmd names %s, which is no program that can be run.'):format(tostring(command[1]))
  end
  local found = vim.fn.exepath('hoist')
  if found ~= '' then
    return { found, 'lsp' }, 'PATH'
  end
  local root = repository()
  local newest, built
  for _, profile in ipairs({ 'release', 'debug' }) do
    local path = vim.fs.joinpath(root, 'target', profile, PROGRAM)
    local stat = vim.uv.fs_stat(path)
    if stat and vim.fn.executable(path) == 1 and (not newest or stat.mtime.sec > newest) then
      newest, built = stat.mtime.sec, path
    end
  end
  if built then
    return { built, 'lsp' }, 'the repository that the plugin lies in'
  end
  local cargo = vim.fs.joinpath(vim.uv.os_homedir() or '', '.cargo', 'bin', PROGRAM)
  if vim.fn.executable(cargo) == 1 then
    return { cargo, 'lsp' }, 'the folder of cargo install'
  end
  return nil, 'The program hoist was not found; install it with "cargo install --path server/hoist", or set vim.g.hoist.cmd (:checkhealth hoist).'
end

--- The top folder of a file's workspace; nil for a single file.
---@param path string
---@return string|nil
function M.root(path)
  for _, names in ipairs(config.get().root_markers) do
    local found = vim.fs.find(names, { path = vim.fs.dirname(path), upward = true, limit = 1 })[1]
    if found then
      return vim.fs.dirname(found)
    end
  end
end

--- Whether a buffer is a file: not a diff's other half, a terminal, or text without a name.
local function is_file(buf)
  local name = api.nvim_buf_get_name(buf)
  return vim.bo[buf].buftype == '' and name ~= '' and not name:match('^%a[%w+.-]+://')
end

--- Whether a buffer is one for the server: Python, or a file of Hoist's configuration.
local function is_ours(buf)
  local kind = vim.bo[buf].filetype
  if kind == 'toml' then
    local name = vim.fs.basename(api.nvim_buf_get_name(buf))
    return name == 'hoist.toml' or name == 'pyproject.toml'
  end
  return kind == 'python'
end

local told_missing = false

local function command_or_say()
  local command, sentence = M.command()
  if not command and not told_missing then
    told_missing = true
    util.say(sentence, vim.log.levels.WARN)
  end
  return command
end

local function milliseconds()
  local seconds, micro = vim.uv.gettimeofday()
  return seconds * 1000 + math.floor(micro / 1000)
end

---@type table<integer, number> when each client was started
local started = {}

local function started_at(client_id)
  return started[client_id] or 0
end

local handlers = {
  ['hoist/jobChanged'] = function(_, job, context)
    jobs.changed(job, context.client_id, started_at(context.client_id))
  end,
  ['hoist/jobOutput'] = function(_, params)
    output.receive(params)
  end,
  ['hoist/showOutput'] = function(_, params)
    if jobs.get(params.job) then
      return output.show(params.job)
    end
    jobs.refresh(function()
      output.show(params.job)
    end)
  end,
  ['hoist/showText'] = function(_, params)
    document.text(params)
  end,
  ['hoist/showFile'] = function(_, params)
    document.file(params)
  end,
  ['hoist/ask'] = function(...)
    return ask.handle(...)
  end,
  ['window/showDocument'] = function(...)
    return document.show(...)
  end,
  ['window/showMessage'] = function(_, params)
    util.say(params.message, ask.level(params.type))
  end,
  ['window/showMessageRequest'] = function(...)
    return ask.message_request(...)
  end,
}
local capabilities = {
  experimental = { hoist = { ask = true, output = true, text = true, file = true } },
  workspace = { codeLens = { refreshSupport = true } },
}

--- What `vim.lsp.config('hoist')` starts from. Everything is looked up at the start of a client, so that settings may come late.
---@return table
function M.lsp_config()
  if not vim.lsp.codelens.enable then
    handlers['workspace/codeLens/refresh'] = function(...)
      return lens.handle_refresh(...)
    end
  end
  return {
    cmd = function(dispatchers)
      local command, sentence = M.command()
      if not command then
        error(sentence, 0)
      end
      return vim.lsp.rpc.start(command, dispatchers)
    end,
    filetypes = { 'python', 'toml' },
    root_dir = function(buf, start)
      if config.get().autostart and is_ours(buf) and is_file(buf) and command_or_say() then
        start(M.root(api.nvim_buf_get_name(buf)))
      end
    end,
    capabilities = capabilities,
    handlers = handlers,
    before_init = function(params, client_config)
      params.initializationOptions = vim.tbl_deep_extend('force', vim.empty_dict(), M.options(), client_config.init_options or {})
    end,
    on_init = function(client)
      started[client.id] = milliseconds()
    end,
    on_exit = function(code, signal, client_id)
      started[client_id] = nil
      if code ~= 0 and signal ~= 15 and vim.v.exiting == vim.NIL then
        vim.schedule(function()
          util.say(('The Hoist server ended unexpectedly (status %d); ":Hoist log" shows why, ":Hoist restart" starts it again. Jobs on clusters go on.'):format(code), vim.log.levels.ERROR)
        end)
      end
    end,
  }
end

--- Starts a client without `vim.lsp.enable`, which Neovim 0.10 has not.
---@param buf integer|nil nil starts a client that belongs to no buffer
local function start_by_hand(buf)
  if buf and not is_file(buf) or not command_or_say() then
    return
  end
  local settings = vim.lsp.config and vim.deepcopy(vim.lsp.config[util.NAME]) or M.lsp_config()
  settings.name = util.NAME
  settings.capabilities = vim.tbl_deep_extend('force', vim.lsp.protocol.make_client_capabilities(), settings.capabilities)
  settings.root_dir = M.root(buf and api.nvim_buf_get_name(buf) or vim.fs.joinpath(vim.uv.cwd() or '/', 'x'))
  if buf then
    -- Files without a workspace share a server too.
    vim.lsp.start(settings, {
      bufnr = buf,
      reuse_client = function(client)
        return client.name == util.NAME and client.config.root_dir == settings.root_dir
      end,
    })
  elseif vim.fn.has('nvim-0.11') == 1 then
    vim.lsp.start(settings, { attach = false })
  else
    vim.lsp.start_client(settings)
  end
end

--- Calls back with a client; starts one for the working directory when none runs (`:Hoist jobs` without a Python file).
---@param ready fun(client: vim.lsp.Client)
function M.with_client(ready)
  local client = util.client()
  if client then
    return ready(client)
  end
  start_by_hand(nil)
  local tries = 0
  local function look()
    local running = util.client()
    tries = tries + 1
    if running then
      ready(running)
    elseif tries < 100 and M.command() then
      vim.defer_fn(look, 50)
    end
  end
  look()
end

local function our_buffers()
  return vim.tbl_filter(function(buf)
    return api.nvim_buf_is_loaded(buf) and is_ours(buf)
  end, api.nvim_list_bufs())
end

--- Stops all servers and starts them anew for the open files.
function M.restart()
  vim.lsp.stop_client(vim.lsp.get_clients({ name = util.NAME }))
  local tries = 0
  local function when_gone()
    tries = tries + 1
    if #vim.lsp.get_clients({ name = util.NAME }) > 0 and tries < 100 then
      return vim.defer_fn(when_gone, 50)
    end
    vim.iter(our_buffers()):each(start_by_hand)
  end
  when_gone()
end

--- What the server is told of the settings (`Options` of editors/PROTOCOL.md).
function M.options()
  local told = vim.empty_dict()
  told.target = config.get().target
  return told
end

--- Tells the servers where runs go by default from now on.
---@param target string
function M.set_target(target)
  require('hoist').setup({ target = target })
  for _, client in ipairs(vim.lsp.get_clients({ name = util.NAME })) do
    util.notify(client, 'workspace/didChangeConfiguration', { settings = { hoist = M.options() } })
    for buf in pairs(client.attached_buffers) do
      lens.refresh(client, buf)
    end
  end
end

--- Makes Python files, and files of the configuration, start the server from now on, those that are open included.
function M.enable()
  local group = api.nvim_create_augroup('hoist', { clear = true })
  api.nvim_create_autocmd('LspAttach', {
    group = group,
    callback = function(event)
      local client = vim.lsp.get_client_by_id(event.data.client_id)
      if client and client.name == util.NAME and vim.bo[event.buf].filetype == 'python' then
        keys.attach(event.buf)
        lens.attach(client, event.buf)
      end
    end,
  })
  if vim.lsp.enable and not vim.g.hoist_start_by_hand then
    -- The defaults come from lsp/hoist.lua, so that vim.lsp.config('hoist', ...) of the user goes before them.
    vim.lsp.enable(util.NAME)
    return
  end
  api.nvim_create_autocmd('FileType', {
    group = group,
    pattern = { 'python', 'toml' },
    callback = function(event)
      if config.get().autostart and is_ours(event.buf) then
        start_by_hand(event.buf)
      end
    end,
  })
  if config.get().autostart then
    vim.iter(our_buffers()):each(start_by_hand)
  end
end

return M
