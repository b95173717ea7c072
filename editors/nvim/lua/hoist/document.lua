--- What the server shows, in a split, not in place of what one edits: the handlers of `window/showDocument` (a file: what would
--- travel, a log) and of `hoist/showText` (a text that cannot be changed: the script of a job).
local api = vim.api

local M = {}

---@param params { uri: string, external?: boolean, takeFocus?: boolean, selection?: table }
function M.show(err, params, context)
  if params.external or not vim.startswith(params.uri, 'file:') then
    return vim.lsp.handlers['window/showDocument'](err, params, context)
  end
  local path = vim.uri_to_fname(params.uri)
  local before = api.nvim_get_current_win()
  local shown
  for _, win in ipairs(api.nvim_tabpage_list_wins(0)) do
    if vim.fs.normalize(api.nvim_buf_get_name(api.nvim_win_get_buf(win))) == vim.fs.normalize(path) then
      shown = win
    end
  end
  if shown then
    api.nvim_set_current_win(shown)
    -- The server may have written it anew.
    if not vim.bo.modified then
      vim.cmd('silent edit!')
    end
  else
    vim.cmd('botright split ' .. vim.fn.fnameescape(path))
  end
  if params.selection then
    local line = math.min(params.selection.start.line + 1, api.nvim_buf_line_count(0))
    api.nvim_win_set_cursor(0, { line, 0 })
  end
  if params.takeFocus == false then
    api.nvim_set_current_win(before)
  end
  return { success = true }
end

--- A file that a job left (`hoist/showFile`). A text opens in a split, a picture with the programme that the system has for it; of one that
--- came by itself only that is told.
---@param params { job: string, uri: string, takeFocus: boolean }
function M.file(params)
  local path = vim.uri_to_fname(params.uri)
  if not params.takeFocus then
    local util = require('hoist.util')
    local job = require('hoist.jobs').get(params.job)
    return util.mention(('Hoist: %s drew %s (":Hoist files" opens it)'):format(job and util.call(job) or 'a job', vim.fs.basename(path)))
  end
  local file = io.open(path, 'rb')
  local head = file and file:read(8192) or ''
  if file then
    file:close()
  end
  if not head:find('%z') then
    return M.show(nil, { uri = params.uri, takeFocus = true }, {})
  end
  local _, problem = vim.ui.open(path)
  if problem then
    require('hoist.util').say(('%s cannot be opened: %s'):format(path, problem), vim.log.levels.WARN)
  end
end

local FILETYPES = { shellscript = 'sh' }

---@param params { title: string, language: string, text: string }
function M.text(params)
  local name = 'hoist://' .. params.title
  local buf
  for _, known in ipairs(api.nvim_list_bufs()) do
    buf = api.nvim_buf_get_name(known) == name and known or buf
  end
  buf = buf or api.nvim_create_buf(false, true)
  vim.bo[buf].modifiable = true
  api.nvim_buf_set_lines(buf, 0, -1, false, vim.split(vim.trim(params.text), '\n', { plain = true }))
  if api.nvim_buf_get_name(buf) ~= name then
    api.nvim_buf_set_name(buf, name)
  end
  vim.bo[buf].filetype = FILETYPES[params.language] or params.language
  vim.bo[buf].modifiable = false
  vim.bo[buf].modified = false
  local win = vim.fn.bufwinid(buf)
  if win ~= -1 then
    return api.nvim_set_current_win(win)
  end
  vim.cmd('botright split')
  api.nvim_win_set_buf(0, buf)
end

return M
