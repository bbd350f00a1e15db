-- What the scripts share: waiting for what a person would see, and failing with a word about it.
-- A failed assertion under `nvim -l` ends the script with exit code 1.
local M = {}

function M.must(holds, what)
  if not holds then
    error('FAILED: ' .. what, 2)
  end
  io.stderr:write('ok: ' .. what .. '\n')
end

--- Waits until `condition` returns something true, and returns it.
function M.wait(what, condition, seconds)
  local found
  local seen = vim.wait((seconds or 30) * 1000, function()
    found = condition()
    return found
  end, 20)
  M.must(seen, what)
  return found
end

--- The server's command line, through the tee.
M.command = vim.split(assert(vim.env.TANTU_COMMAND), '\n')

--- Opens a file of the workspace and waits for its client.
function M.open(file)
  vim.cmd.edit(file)
  return M.wait('attached to ' .. file, function()
    local client = vim.lsp.get_clients({ bufnr = 0, name = 'tantu' })[1]
    return client and client.initialized and client
  end)
end

--- Puts the cursor on the first place that matches a plain text.
function M.go_to(text)
  for row, line in ipairs(vim.api.nvim_buf_get_lines(0, 0, -1, false)) do
    local column = line:find(text, 1, true)
    if column then
      vim.api.nvim_win_set_cursor(0, { row, column - 1 })
      return
    end
  end
  error('FAILED: no ' .. text .. ' in ' .. vim.api.nvim_buf_get_name(0), 2)
end

function M.text()
  return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\n')
end

--- Opens the hover at the cursor, waits until its window shows `text`, and closes it.
function M.hover(text)
  vim.lsp.buf.hover()
  local window = M.wait('hover shows ' .. text, function()
    for _, window in ipairs(vim.api.nvim_list_wins()) do
      local floats = vim.api.nvim_win_get_config(window).relative ~= ''
      local lines = vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(window), 0, -1, false)
      if floats and table.concat(lines, '\n'):find(text, 1, true) then
        return window
      end
    end
  end)
  vim.api.nvim_win_close(window, true)
end

--- Waits for a floating window with a title and a text, and returns it.
function M.floating(title, text, seconds)
  return M.wait('a card ' .. title .. ' with ' .. text, function()
    for _, window in ipairs(vim.api.nvim_list_wins()) do
      local config = vim.api.nvim_win_get_config(window)
      local lines = vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(window), 0, -1, false)
      local is_titled = vim.inspect(config.title):find(title, 1, true)
      if config.relative ~= '' and is_titled and table.concat(lines, '\n'):find(text, 1, true) then
        return window
      end
    end
  end, seconds)
end

--- Titles of the code lenses on the cursor's line, as they are drawn.
function M.lenses()
  local row = vim.api.nvim_win_get_cursor(0)[1] - 1
  local titles = {}
  for _, lens in ipairs(vim.lsp.codelens.get(0)) do
    if lens.range.start.line == row and lens.command then
      table.insert(titles, lens.command.title)
    end
  end
  return titles
end

--- Waits for a code lens on the cursor's line whose title begins with `prefix`.
function M.lens(prefix, seconds)
  return M.wait('a lens ' .. prefix, function()
    for _, title in ipairs(M.lenses()) do
      if vim.startswith(title, prefix) then
        return title
      end
    end
  end, seconds)
end

--- Ends the session as `:quit` does. The client has to be configured with `on_exit = session.on_exit`.
function M.stop(client)
  client:stop()
  local code = M.wait('the server has gone', function()
    return M.exit_code
  end, 10)
  M.must(code == 0, 'the server ended with ' .. code)
end

function M.on_exit(code)
  M.exit_code = code
end

return M
