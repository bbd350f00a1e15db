-- `:checkhealth tantu`
local function check()
  local health, config = vim.health, vim.lsp.config.tantu
  health.start('tantu')
  if not config then
    return health.error('this folder is not on the runtimepath as a whole', ':help tantu-setup')
  end
  local doctor = require('tantu').doctor(config.cmd)
  if vim.fn.executable(doctor[1]) == 0 then
    return health.error(doctor[1] .. ' cannot be run', 'install it, or name another one: :help tantu-setup')
  end
  local said = vim.system(doctor, { text = true }):wait()
  local report = said.code == 0 and health.ok or health.warn
  report(vim.trim(said.stdout .. said.stderr))
  if not vim.lsp.is_enabled('tantu') then
    health.warn('it is not started for Python files', "vim.lsp.enable('tantu')")
  end
  for _, client in ipairs(vim.lsp.get_clients({ name = 'tantu' })) do
    health.ok(('version %s serves %s'):format(client.server_info.version, client.root_dir or 'single files'))
  end
end

return { check = check }
