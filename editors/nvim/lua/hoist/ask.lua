--- The server's questions (`hoist/ask`), put to the user one after another.
local api = vim.api
local util = require('hoist.util')

local M = {}

---@type fun()[]
local waiting = {}
local asking = false

--- Calls back at once in normal mode, else when the user comes back to it: a question must never swallow what somebody is typing.
local function when_free(title, ready)
  if api.nvim_get_mode().mode:sub(1, 1) == 'n' then
    return ready()
  end
  util.mention(('Hoist asks: %s (go to normal mode to answer)'):format(title), vim.log.levels.WARN)
  local id
  id = api.nvim_create_autocmd('ModeChanged', {
    pattern = '*:n*',
    callback = function()
      api.nvim_del_autocmd(id)
      vim.schedule(ready)
    end,
  })
end

local function next_question()
  if asking or #waiting == 0 then
    return
  end
  asking = true
  table.remove(waiting, 1)()
end

local function prompt(params)
  return params.detail and ('%s (%s)'):format(params.title, params.detail) or params.title
end

local kinds = {}

function kinds.text(params, answer)
  vim.ui.input({ prompt = prompt(params) .. ': ', default = params.default }, answer)
end

function kinds.secret(params, answer)
  -- There is no vim.ui for what must not be seen, and nothing of it may stay in a history.
  vim.fn.inputsave()
  local ok, text = pcall(vim.fn.inputsecret, { prompt = prompt(params) .. ': ', cancelreturn = vim.NIL })
  vim.fn.inputrestore()
  api.nvim_echo({ { '' } }, false, {})
  vim.cmd.redraw()
  answer(ok and text ~= vim.NIL and text or nil)
end

function kinds.choice(params, answer)
  vim.ui.select(params.choices or {}, {
    prompt = prompt(params) .. ':',
    format_item = function(choice)
      return choice == params.default and choice .. ' (default)' or choice
    end,
  }, answer)
end

-- A list and not a single key: "y" is typed too easily to mean that a host may be trusted.
function kinds.confirm(params, answer)
  local text = params.detail and (params.title .. '\n' .. params.detail) or params.title
  vim.ui.select({ 'No', 'Yes' }, { prompt = text, kind = 'hoist.confirm' }, function(choice)
    if choice == nil then
      return answer(nil)
    end
    answer(choice == 'Yes')
  end)
end

--- Puts a question when its turn comes and waits for the answer without holding up Neovim.
---@param title string
---@param put fun(answer: fun(value: any))
local function wait_for(title, put)
  local thread = assert(coroutine.running())
  local answered = false
  waiting[#waiting + 1] = function()
    when_free(title, function()
      put(function(value)
        if answered then
          return
        end
        answered, asking = true, false
        -- Scheduled, so that the answer cannot come before the wait has begun.
        vim.schedule(function()
          local ok, problem = coroutine.resume(thread, value)
          next_question()
          if not ok then
            error(problem)
          end
        end)
      end)
    end)
  end
  vim.schedule(next_question)
  return coroutine.yield()
end

--- The handler of `hoist/ask`. Turning away answers null.
---@param params { kind: string, title: string, detail?: string, default?: any, choices?: string[] }
function M.handle(_, params)
  local kind = kinds[params.kind]
  if not kind then
    return nil, { code = -32602, message = ('hoist/ask: unknown kind %s'):format(tostring(params.kind)) }
  end
  return wait_for(params.title, function(answer)
    kind(params, function(value)
      if value == nil then
        value = vim.NIL
      end
      answer(value)
    end)
  end)
end

--- Neovim's level for LSP's message type.
function M.level(kind)
  local levels = vim.log.levels
  return ({ levels.ERROR, levels.WARN, levels.INFO, levels.DEBUG })[kind] or levels.INFO
end

--- The handler of `window/showMessageRequest`: the server's sentence, and what can be done about it.
function M.message_request(_, params)
  local actions = params.actions or {}
  if #actions == 0 then
    util.say(params.message, M.level(params.type))
    return vim.NIL
  end
  return wait_for(params.message, function(answer)
    vim.ui.select(actions, {
      prompt = params.message,
      kind = 'hoist.message',
      format_item = function(action)
        return action.title
      end,
    }, function(action)
      answer(action or vim.NIL)
    end)
  end)
end

return M
