-- No plugin, no configuration but the command: standard LSP has to be enough.
package.path = debug.getinfo(1, 'S').source:match('^@(.*)/') .. '/?.lua;' .. package.path
local session = require('session')

vim.cmd('filetype plugin on')
vim.api.nvim_create_autocmd('FileType', {
  pattern = 'python',
  callback = function()
    vim.lsp.start({
      name = 'tantu',
      cmd = session.command,
      root_dir = vim.uv.cwd(),
      on_exit = session.on_exit,
    })
  end,
})
local progress = {}
vim.api.nvim_create_autocmd('LspProgress', {
  callback = function(event)
    table.insert(progress, event.data.params.value.kind)
  end,
})

local client = session.open('shop/repository.py')
session.wait('the index reports its end', function()
  return vim.tbl_contains(progress, 'end')
end)

-- Diagnostics.
session.wait('the missing module is reported', function()
  for _, diagnostic in ipairs(vim.diagnostic.get(0)) do
    if diagnostic.message:find('shop.legacy', 1, true) then
      return true
    end
  end
end)

-- Definition, into a file that is not open.
session.open('shop/cart.py')
session.go_to('Money')
vim.lsp.buf.definition()
session.wait('the definition is shown', function()
  return vim.endswith(vim.api.nvim_buf_get_name(0), 'shop/money.py')
end)

-- Code lenses, resolved.
session.go_to('Money:')
vim.lsp.codelens.refresh({ bufnr = 0 })
session.go_to('def total')
session.lens('▶')

session.stop(client)
