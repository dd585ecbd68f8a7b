# The ten steps as tasks, a command a step, on the connection that SSHKit keeps.
# net-ssh of Debian 12 knows neither GCM nor, without a further gem, curve25519.
set :application, 'bench'
set :deploy_to, ENV['BENCH_WWW']
set :format_options, log_file: nil
set :ssh_options, keys: [ENV['BENCH_KEY']], keys_only: true, use_agent: false, config: false,
  auth_methods: %w[publickey], forward_agent: false, user_known_hosts_file: ENV['BENCH_KNOWN'],
  global_known_hosts_file: '/dev/null', verify_host_key: :always, compression: false,
  kex: 'ecdh-sha2-nistp256', encryption: 'aes128-ctr', hmac: 'hmac-sha2-256-etm@openssh.com', host_key: 'ssh-ed25519'

STEPS = Dir[File.join(ENV['BENCH_STEPS'], '*')].sort.to_h { |file| [File.basename(file)[2..], File.read(file)] }
BEFORE = ENV['BENCH_BEFORE']

namespace :bench do
  STEPS.each do |name, line|
    task(name) do
      on roles(:app) do
        if name == 'upload'
          upload! ENV['BENCH_ARTIFACT'], '/tmp/bench.tar.gz'
          execute "#{BEFORE}#{line.sub('-xzf -', '-xzf /tmp/bench.tar.gz')} && rm /tmp/bench.tar.gz"
        else
          execute "#{BEFORE}#{line}"
        end
      end
    end
  end
  task deploy: STEPS.keys
end
