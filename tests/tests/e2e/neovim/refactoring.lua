-- No plugin: names, hierarchies, symbols and code actions through Neovim's own functions.
package.path = debug.getinfo(1, 'S').source:match('^@(.*)/') .. '/?.lua;' .. package.path
local session = require('session')

vim.cmd('filetype plugin on')
vim.o.hidden = true
vim.lsp.config('tantu', {
  cmd = session.command,
  filetypes = { 'python' },
  root_dir = vim.uv.cwd(),
  on_exit = session.on_exit,
})
vim.lsp.enable('tantu')
local indexed = false
vim.api.nvim_create_autocmd('LspProgress', {
  callback = function(event)
    indexed = indexed or event.data.params.value.kind == 'end'
  end,
})

local function text_of(file)
  local buffer = vim.fn.bufnr(vim.fs.joinpath(vim.uv.cwd(), file))
  return buffer >= 0 and table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, false), '\n') or ''
end

--- Waits until the quickfix list has these entries, `file:line`, and empties it.
local function quickfix(what, expected)
  local found
  local seen = vim.wait(10000, function()
    found = {}
    for _, item in ipairs(vim.fn.getqflist()) do
      local file = vim.fs.relpath(vim.uv.cwd(), vim.api.nvim_buf_get_name(item.bufnr))
      table.insert(found, ('%s:%d'):format(file, item.lnum))
    end
    table.sort(found)
    return vim.deep_equal(found, expected)
  end, 20)
  session.must(seen, what .. ': ' .. vim.inspect(found))
  vim.fn.setqflist({})
  vim.cmd.cclose()
end

local client = session.open('report.py')
session.wait('the index reports its end', function()
  return indexed
end)

-- A name in three files, one of which is not open.
session.open('prices.py')
session.go_to('total')
vim.lsp.buf.rename('sum_up')
session.wait('the definition has its new name', function()
  return text_of('prices.py'):find('def sum_up(prices, rate=1):', 1, true)
end)
session.must(text_of('report.py'):find('import sum_up as add_up', 1, true), 'so does the import')
session.must(text_of('cart.py'):find('prices.sum_up([3], rate=rate)', 1, true), 'so does the file that was not open')

-- A refusal is shown.
local said
vim.notify = function(message)
  said = message
end
session.go_to('sum_up')
vim.lsp.buf.rename('yield')
session.wait('the refusal is shown', function()
  local messages = vim.fn.execute('messages')
  return (said or ''):find('keyword', 1, true) or messages:find('is a keyword', 1, true)
end)

-- Highlights.
session.go_to('rate=1')
vim.lsp.buf.document_highlight()
session.wait('two places are highlighted', function()
  local namespace = vim.api.nvim_get_namespaces()['nvim.lsp.references']
  return namespace and #vim.api.nvim_buf_get_extmarks(0, namespace, 0, -1, {}) == 2
end)
vim.lsp.buf.clear_references()

-- A signature is edited, and its callers follow.
local line = vim.api.nvim_win_get_cursor(0)[1] - 1
vim.api.nvim_buf_set_lines(0, line, line + 1, false, { 'def sum_up(prices, factor=1):' })
session.wait('the broken call is reported in the other buffer', function()
  local buffer = vim.fn.bufnr(vim.fs.joinpath(vim.uv.cwd(), 'report.py'))
  for _, diagnostic in ipairs(vim.diagnostic.get(buffer)) do
    if diagnostic.code == 'incompatible-call' then
      return true
    end
  end
end)
session.go_to('sum_up')
vim.lsp.buf.code_action({
  apply = true,
  filter = function(action)
    return vim.startswith(action.title, 'Update 2 callers')
  end,
})
session.wait('the calls fit', function()
  return text_of('report.py'):find('factor=2', 1, true) and text_of('cart.py'):find('factor=rate', 1, true)
end)
session.wait('nothing is wrong any longer', function()
  return #vim.diagnostic.get(vim.fn.bufnr(vim.fs.joinpath(vim.uv.cwd(), 'report.py'))) == 0
end)

-- A selection becomes a function.
session.open('cart.py')
session.go_to('return')
vim.lsp.buf.code_action({
  apply = true,
  range = { start = { 6, 15 }, ['end'] = { 6, #vim.api.nvim_get_current_line() } },
  filter = function(action)
    return vim.startswith(action.title, 'Extract function')
  end,
})
session.wait('it is called', function()
  return text_of('cart.py'):find('return extracted(rate)', 1, true)
end)
session.must(text_of('cart.py'):find('\ndef extracted(rate):', 1, true), 'and defined')

-- Hierarchies and symbols.
session.go_to('Cart')
vim.lsp.buf.typehierarchy('subtypes')
quickfix('the subclass', { 'report.py:4' })
vim.lsp.buf.workspace_symbol('Cart')
quickfix('the classes', { 'cart.py:4', 'report.py:4' })
vim.lsp.buf.implementation()
session.wait('the implementation is shown', function()
  return vim.endswith(vim.api.nvim_buf_get_name(0), 'report.py')
end)
session.go_to('FastCart')
vim.lsp.buf.typehierarchy('supertypes')
quickfix('the base class', { 'cart.py:4' })

-- What a lens stands for, asked as any client may.
session.open('prices.py')
vim.lsp.codelens.refresh({ bufnr = 0 })
session.go_to('sum_up')
session.lens('2 callers')
for _, lens in ipairs(vim.lsp.codelens.get(0)) do
  if lens.command and vim.startswith(lens.command.title, '2 callers') then
    client:exec_cmd(lens.command, { bufnr = 0 }, function(_, locations)
      vim.fn.setqflist(vim.lsp.util.locations_to_items(locations, client.offset_encoding))
    end)
  end
end
quickfix('the callers', { 'cart.py:10', 'report.py:9' })

session.stop(client)
