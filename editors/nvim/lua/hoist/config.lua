--- The user's settings: `vim.g.hoist`, with defaults for what it leaves out.
--- Read afresh at every use, so that a setting can change while Neovim runs.
local M = {}

---@class hoist.Keys
---@field run string|false run the function at the cursor, or the selected lines
---@field args string|false ask for the arguments, then run
---@field cancel string|false end the job of this buffer that is still running
---@field output string|false show what the job printed
---@field jobs string|false list the jobs
---@field again string|false run the newest job once more
---@field target string|false choose where runs go

---@class hoist.Config
---@field cmd string|string[]|nil the program, or its whole command line; nil looks for it
---@field autostart boolean start the server for Python files
---@field target string|nil where runs go by default; nil leaves it to the configuration
---@field lenses boolean draw the lenses and keep them fresh
---@field keys hoist.Keys|false the keys in Python buffers
---@field output { open: boolean, height: integer, lines: integer } the split with what a job printed
---@field notify boolean say in one line how a job ended
---@field root_markers string[][] names that mark a workspace's top folder, the strongest first
M.defaults = {
  cmd = nil,
  autostart = true,
  target = nil,
  lenses = true,
  keys = {
    run = '<leader>hr',
    args = '<leader>ha',
    cancel = '<leader>hc',
    output = '<leader>ho',
    jobs = '<leader>hj',
    again = '<leader>hh',
    target = '<leader>ht',
  },
  output = { open = true, height = 12, lines = 200000 },
  notify = true,
  root_markers = { { 'hoist.toml', 'pyproject.toml' }, { '.git' } },
}

local types = {
  cmd = { 'string', 'table' },
  autostart = { 'boolean' },
  target = { 'string' },
  lenses = { 'boolean' },
  keys = { 'table', 'boolean' },
  output = { 'table' },
  notify = { 'boolean' },
  root_markers = { 'table' },
}

--- What is wrong with the settings, one sentence each; an empty list when nothing is.
---@param given table|nil
---@return string[]
function M.problems(given)
  if given == nil then
    return {}
  end
  if type(given) ~= 'table' then
    return { 'vim.g.hoist must be a table, but is a ' .. type(given) .. '.' }
  end
  local found = {}
  for key, value in vim.spairs(given) do
    local wanted = types[key]
    if not wanted then
      found[#found + 1] = ('vim.g.hoist.%s is no setting of Hoist; see :help hoist-settings.'):format(key)
    elseif not vim.tbl_contains(wanted, type(value)) then
      found[#found + 1] = ('vim.g.hoist.%s must be a %s, but is a %s.'):format(key, table.concat(wanted, ' or a '), type(value))
    elseif key == 'keys' and value == true then
      found[#found + 1] = 'vim.g.hoist.keys must be false or a table; leave it out for the default keys.'
    end
  end
  for _, group in ipairs({ 'keys', 'output' }) do
    if type(given[group]) == 'table' then
      for key, value in vim.spairs(given[group]) do
        local default = M.defaults[group][key]
        if default == nil then
          found[#found + 1] = ('vim.g.hoist.%s.%s is no setting of Hoist; see :help hoist-settings.'):format(group, key)
        elseif type(value) ~= type(default) and not (group == 'keys' and value == false) then
          found[#found + 1] = ('vim.g.hoist.%s.%s must be a %s, but is a %s.'):format(group, key, type(default), type(value))
        end
      end
    end
  end
  return found
end

--- The settings that are in force. What the user set wrongly counts as not set; `:checkhealth hoist` names it.
---@return hoist.Config
function M.get()
  local given = vim.g.hoist
  if type(given) ~= 'table' then
    return vim.deepcopy(M.defaults)
  end
  local sound = {}
  for key, value in pairs(given) do
    if types[key] and vim.tbl_contains(types[key], type(value)) then
      sound[key] = value
    end
  end
  if sound.keys == true then
    sound.keys = nil
  end
  local config = vim.tbl_deep_extend('force', M.defaults, sound)
  -- Lists are replaced as a whole, not merged item by item.
  if sound.root_markers then
    config.root_markers = sound.root_markers
  end
  for _, key in ipairs({ 'height', 'lines' }) do
    if type(config.output[key]) ~= 'number' or config.output[key] < 1 then
      config.output[key] = M.defaults.output[key]
    end
  end
  return config
end

return M
