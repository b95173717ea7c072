--- Keeps the lenses of a buffer fresh. Neovim 0.10 and 0.11 only ask for lenses when told to; from 0.12 on they keep them themselves.
--- Only Hoist's lenses are asked for: other servers' lenses are the user's own affair.
local api = vim.api
local config = require('hoist.config')
local util = require('hoist.util')

local M = {}

local AFTER_MS = 250
---@type table<integer, uv.uv_timer_t>
local timers = {}

--- Asks for a buffer's lenses now.
---@param client vim.lsp.Client
---@param buf integer
function M.refresh(client, buf)
  if not api.nvim_buf_is_loaded(buf) or not config.get().lenses or vim.lsp.codelens.enable then
    return
  end
  local params = { textDocument = { uri = vim.uri_from_bufnr(buf) } }
  local tick = api.nvim_buf_get_changedtick(buf)
  util.request(client, 'textDocument/codeLens', params, function(err, lenses, context)
    if err or not api.nvim_buf_is_loaded(buf) then
      return
    end
    -- Lenses of an older text would stand on the wrong lines; the change that made it old has asked again already.
    if api.nvim_buf_get_changedtick(buf) == tick then
      vim.lsp.codelens.on_codelens(nil, lenses, context)
    end
  end, buf)
end

local function soon(client_id, buf)
  local timer = timers[buf]
  if not timer then
    timer = assert(vim.uv.new_timer())
    timers[buf] = timer
  end
  timer:start(AFTER_MS, 0, vim.schedule_wrap(function()
    local client = vim.lsp.get_client_by_id(client_id)
    if client and api.nvim_buf_is_valid(buf) and client.attached_buffers[buf] then
      M.refresh(client, buf)
    end
  end))
end

--- Shows the lenses of a buffer from now on.
function M.attach(client, buf)
  if not config.get().lenses then
    return
  end
  if vim.lsp.codelens.enable then
    return vim.lsp.codelens.enable(true, { bufnr = buf, client_id = client.id })
  end
  local group = api.nvim_create_augroup('hoist.lens.' .. buf, { clear = true })
  api.nvim_create_autocmd({ 'TextChanged', 'TextChangedI', 'InsertLeave', 'BufEnter' }, {
    group = group,
    buffer = buf,
    callback = function()
      soon(client.id, buf)
    end,
  })
  api.nvim_create_autocmd({ 'LspDetach', 'BufWipeout' }, {
    group = group,
    buffer = buf,
    callback = function(event)
      if event.event == 'LspDetach' and event.data.client_id ~= client.id then
        return
      end
      if timers[buf] then
        timers[buf]:stop()
        timers[buf]:close()
        timers[buf] = nil
      end
      -- Not here: an autocommand must not take away its own group.
      vim.schedule(function()
        pcall(api.nvim_del_augroup_by_id, group)
      end)
    end,
  })
  M.refresh(client, buf)
end

--- The handler of `workspace/codeLens/refresh`.
function M.handle_refresh(_, _, context)
  local client = vim.lsp.get_client_by_id(context.client_id)
  if client and not vim.lsp.codelens.enable then
    for buf in pairs(client.attached_buffers) do
      M.refresh(client, buf)
    end
  end
  return vim.NIL
end

return M
