--- Running what the cursor stands in. What can run, and what a run means, is the server's to say; this only asks it.
local api = vim.api
local config = require('hoist.config')
local util = require('hoist.util')

local M = {}

---@param buf integer
---@return vim.lsp.Client|nil
local function client_of(buf)
  local client = util.client(nil, buf)
  if client then
    return client
  end
  if vim.bo[buf].filetype ~= 'python' then
    util.say('Hoist runs functions of Python files; this is none.', vim.log.levels.WARN)
  else
    util.say('The Hoist server does not look after this buffer; ":checkhealth hoist" says why.', vim.log.levels.WARN)
  end
end

--- All functions of a buffer that can run, as the lenses name them.
---@param client vim.lsp.Client
---@param buf integer
---@param done fun(entries: { entry: string, line: integer }[])
function M.entries(client, buf, done)
  local params = { textDocument = { uri = vim.uri_from_bufnr(buf) } }
  util.request(client, 'textDocument/codeLens', params, function(_, lenses)
    local found = {}
    for _, lens in ipairs(lenses or {}) do
      local argument = lens.command and lens.command.command == 'hoist.run' and lens.command.arguments and lens.command.arguments[1]
      if argument then
        found[#found + 1] = { entry = argument.entry, line = lens.range.start.line }
      end
    end
    done(found)
  end, buf)
end

--- The innermost function around the cursor that can run, asked from the server's code actions.
---@param client vim.lsp.Client
---@param buf integer
---@param done fun(entry: string|nil)
local function entry_at_cursor(client, buf, done)
  local params = vim.lsp.util.make_range_params(0, client.offset_encoding)
  params.context = { diagnostics = {}, triggerKind = 1 }
  util.request(client, 'textDocument/codeAction', params, function(_, actions)
    local best
    for _, action in ipairs(actions or {}) do
      local command = type(action.command) == 'table' and action.command or action
      local argument = command.command == 'hoist.run' and command.arguments and command.arguments[1]
      -- The longer of two qualified names that contain the cursor is the inner one.
      if argument and not argument.force and (not best or #argument.entry > #best) then
        best = argument.entry
      end
    end
    done(best)
  end, buf)
end

---@class hoist.Run
---@field command string `hoist.run`, `hoist.runWith`, `hoist.runOn`, `hoist.runSweep`, `hoist.runMap`, `hoist.showPackage` or `hoist.showScript`
---@field entry string|nil nil is the function at the cursor
---@field args string|nil Python source of call arguments
---@field values string|nil Python source of the values of a sweep
---@field items string|nil the URI of a file of items
---@field target string|nil
---@field buf integer|nil

--- Sends a run to the server. What goes wrong is said by the server itself; here only what it cannot know.
---@param run hoist.Run
function M.start(run)
  local buf = run.buf or api.nvim_get_current_buf()
  local client = client_of(buf)
  if not client then
    return
  end
  local function send(entry)
    if not entry then
      return util.say('The cursor is in no function that can run; put it into one, or select lines.', vim.log.levels.WARN)
    end
    local arguments = { uri = vim.uri_from_bufnr(buf), entry = entry, args = run.args, values = run.values, items = run.items, target = run.target }
    -- The buffer's number makes Neovim send its newest text first.
    util.request(client, 'workspace/executeCommand', { command = run.command, arguments = { arguments } }, function(err)
      if err and err.code ~= M.REFUSED then
        util.say(('Hoist could not run %s: %s'):format(entry, err.message), vim.log.levels.ERROR)
      end
    end, buf)
  end
  if run.entry then
    send(run.entry)
  else
    entry_at_cursor(client, buf, send)
  end
end

--- The error code of a refusal, whose sentence the server has shown (editors/PROTOCOL.md).
M.REFUSED = 4001

--- Lets the user choose the default target among those of the configuration.
---@param done fun(target: string)
function M.choose_target(done)
  local buf = api.nvim_get_current_buf()
  require('hoist.server').with_client(function(any)
    local client = util.client(nil, buf) or any
    util.request(client, 'hoist/targets', { uri = vim.bo[buf].buftype == '' and vim.uri_from_bufnr(buf) or nil }, function(err, targets)
      if err then
        return util.say(err.message, vim.log.levels.ERROR)
      end
      local current = config.get().target
      vim.ui.select(targets, {
        prompt = 'Run on:',
        format_item = function(target)
          local words = { target.name }
          if target.host then
            words[#words + 1] = ('(%s on %s)'):format(target.scheduler == 'none' and 'a process' or target.scheduler, target.host)
          end
          if target.name == current or (not current and target.default) then
            words[#words + 1] = '- now'
          end
          return table.concat(words, ' ')
        end,
      }, function(target)
        if target then
          done(target.name)
        end
      end)
    end)
  end)
end

return M
