--- The handler of `window/showDocument`: the server shows a file (what would travel, a log) in a split, not in place of what one edits.
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

return M
